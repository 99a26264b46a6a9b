"""Columns outside the range of training's own time blocks, the worst first."""

from collections.abc import Mapping

from pipeline.baseline.content import Baseline, Bins
from pipeline.baseline.distance import shares
from pipeline.baseline.profile import Profile
from pipeline.monitoring.judging.distances import Distance, cells
from pipeline.monitoring.verdict import Finding

NAME = "drift"
REMEDY = (
    "compare train and serve on the page; train again if the world changed for good, "
    "or accept the change until a date"
)


def findings(
    baseline: Baseline, window: Profile, distances: Mapping[str, Distance]
) -> list[Finding]:
    """The columns over a limit, by their excess times their importance."""
    over = {name: distance for name, distance in distances.items() if distance.is_over}
    ranks = {name: _rank(baseline, name, distance) for name, distance in over.items()}
    names = sorted(over, key=lambda name: ranks[name], reverse=True)
    return [_finding(baseline, window, name, over[name]) for name in names]


def _rank(baseline: Baseline, name: str, distance: Distance) -> tuple[float, float]:
    """Columns of no importance to the model come last."""
    importance = _importance(baseline, name)
    return distance.excess * importance, distance.excess


def _importance(baseline: Baseline, name: str) -> float:
    """Never negative: to permute a useless column may improve the metric by chance."""
    return max(baseline.columns[name].importance or 0.0, 0.0)


def _finding(baseline: Baseline, window: Profile, name: str, distance: Distance) -> Finding:
    by_bits = distance.distance - distance.limit == distance.excess
    sentence = _bits(name, distance) if by_bits else _share(baseline, window, name, distance)
    return Finding(
        kind="drift",
        name=NAME,
        columns=(name,),
        sentence=sentence,
        remedy=REMEDY,
        distance=distance.distance if by_bits else distance.share_change,
        limit=distance.limit if by_bits else distance.share_limit,
        measure="bits" if by_bits else "share",
        importance=_importance(baseline, name),
    )


def _bits(name: str, distance: Distance) -> str:
    return (
        f"{name} lies {distance.distance:.3f} bits from the training rows, "
        f"allowed are {distance.limit:.3f}"
    )


def _share(baseline: Baseline, window: Profile, name: str, distance: Distance) -> str:
    cell_name = _cell_name(baseline.columns[name].bins, distance.cell)
    percentage = _percentage(window, name, distance.cell)
    training_percentage = _percentage(baseline.reference, name, distance.cell)
    points = f"{100 * distance.share_limit:.1f} points"
    return (
        f"{name} {cell_name} in {percentage} of the instances, in training in {training_percentage}, "
        f"allowed are {points} of change"
    )


def _percentage(profile: Profile, name: str, cell: int) -> str:
    """The share of the instances in the cell."""
    cell_shares = shares(cells(profile.columns[name]))
    return f"{100 * cell_shares[cell]:.1f} %"


def _cell_name(bins: Bins, cell: int) -> str:
    if cell == bins.count:
        return "is missing"
    if cell == len(bins.values):
        return "has another value"
    return f"is {bins.values[cell]!r}"
