"""Columns that left what training's own time blocks showed, the worst first."""

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
    """The columns that are over a limit, by their excess times their importance."""
    ranked = sorted(
        (name for name, distance in distances.items() if distance.is_over),
        key=lambda name: _rank(baseline, name, distances[name]),
        reverse=True,
    )
    return [_finding(baseline, window, name, distances[name]) for name in ranked]


def _rank(baseline: Baseline, name: str, distance: Distance) -> tuple[float, float]:
    """Columns that the model does not need at all come last."""
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
    bins = baseline.columns[name].bins
    training_share = shares(cells(baseline.reference.columns[name]))[distance.cell]
    share = shares(cells(window.columns[name]))[distance.cell]
    return (
        f"{name} {_cell_name(bins, distance.cell)} in {100 * share:.1f} % of the instances, "
        f"in training in {100 * training_share:.1f} %, allowed are {100 * distance.share_limit:.1f} "
        "points of change"
    )


def _cell_name(bins: Bins, cell: int) -> str:
    if cell == bins.count:
        return "is missing"
    if cell == len(bins.values):
        return "has another value"
    return f"is {bins.values[cell]!r}"
