"""Factors between units: people multiply by them, knowingly or not."""

import numpy as np

# From one unit to another; each is told the other way round, too.
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
    ("degrees", "radians"): np.pi / 180,
    ("ones", "tens"): 0.1,
    ("ones", "thousands"): 0.001,
    ("ones", "millions"): 0.000001,
}
_ALSO = {
    "dollars to cents": "fractions to percents",
    "cents to dollars": "percents to fractions",
    "minutes to seconds": "hours to minutes",
    "seconds to minutes": "minutes to hours",
    "ones to thousands": "metres to kilometres",
    "thousands to ones": "seconds to milliseconds",
}


def _name(source: str, target: str) -> str:
    name = f"{source} to {target}"
    alias = _ALSO.get(name)
    return f"{name}, or {alias}" if alias else name


_UP = tuple(_FACTORS.values())
_DOWN = tuple(1 / factor for factor in _UP)
VALUES = np.array([*_UP, *_DOWN])
NAMES = (
    *(_name(source, target) for source, target in _FACTORS),
    *(_name(target, source) for source, target in _FACTORS),
)
