"""Factors that people multiply by, knowingly or not."""

# From one unit to another; each holds the other way round, too.
_FACTORS = {
    ("miles", "kilometres"): 1.609344,
    ("feet", "metres"): 0.3048,
    ("inches", "centimetres"): 2.54,
    ("miles", "metres"): 1609.344,
    ("miles", "feet"): 5280.0,
    ("nautical miles", "kilometres"): 1.852,
    ("pounds", "kilograms"): 0.45359237,
    ("gallons", "litres"): 3.785411784,
    ("minutes", "seconds"): 60.0,
    ("hours", "seconds"): 3600.0,
    ("days", "hours"): 24.0,
    ("days", "seconds"): 86400.0,
    ("dollars", "cents"): 100.0,
    ("degrees", "radians"): 0.017453292519943295,
    ("ones", "tens"): 0.1,
    ("ones", "thousands"): 0.001,
    ("ones", "millions"): 0.000001,
}
_ALSO = {
    ("dollars", "cents"): "fractions to percents",
    ("cents", "dollars"): "percents to fractions",
    ("minutes", "seconds"): "hours to minutes",
    ("seconds", "minutes"): "minutes to hours",
    ("ones", "thousands"): "metres to kilometres",
    ("thousands", "ones"): "seconds to milliseconds",
}


def _name(source: str, target: str) -> str:
    name = f"{source} to {target}"
    other = _ALSO.get((source, target))
    return f"{name}, or {other}" if other else name


NAMED: tuple[tuple[float, str], ...] = (
    *((factor, _name(source, target)) for (source, target), factor in _FACTORS.items()),
    *((1 / factor, _name(target, source)) for (source, target), factor in _FACTORS.items()),
)
