"""Numbers with fewer digits than training had."""

from math import sqrt

import numpy as np

from pipeline.baseline.profile import ColumnCounts
from pipeline.monitoring.rules.change import SIGMAS, Change
from pipeline.monitoring.rules.told import fault, percent
from pipeline.monitoring.verdict import Finding

LOST = 0.4  # of the fractions
FRACTIONS = 0.1  # of the numbers at least had one
FILLED_BIN = 0.02  # of training's values
HOLES = 2  # between bins that have values


def rounded(change: Change) -> Finding | None:
    """Whole numbers stand where training had fractions."""
    if change.column.bins.kind != "number" or not sum(change.after.bins):
        return None
    before, after = _fractions(change.before), _fractions(change.after)
    lost = before - after
    chance = SIGMAS * sqrt(before * (1 - before) / max(1.0, change.present))
    if before < FRACTIONS or lost <= LOST * before + chance:
        return None
    return fault(
        "rounded",
        [change],
        f"{change.name} is rounded: {percent(1 - after)} of its numbers are whole, in training "
        f"{percent(1 - before)}",
        f"send {change.name} with the digits that it has in the training rows",
    )


def coarse(change: Change) -> Finding | None:
    """Values only lie in some bins, with empty ones between them."""
    judged = change.column.unjudged is None and not change.clock
    if change.column.bins.kind != "number" or not judged:
        return None
    enough = FILLED_BIN * change.present > 4 * SIGMAS
    fewer = 4 * change.after.distinct < change.before.distinct
    if not enough or not fewer or not change.moved:
        return None
    if _holes(change) < HOLES or change.in_season:
        return None
    return fault(
        "rounded",
        [change],
        f"{change.name} is rounded: it has {change.after.distinct} values, in training "
        f"{change.before.distinct}, and {_holes(change)} gaps lie between them",
        f"send {change.name} with the digits that it has in the training rows",
    )


def _fractions(counts: ColumnCounts) -> float:
    """The share of numbers that have a fraction; zeros come and go with other causes."""
    present = sum(counts.bins)
    if not counts.positive:
        return 1 - counts.whole / max(1, present)
    zeros = min(counts.whole, present - counts.positive)
    return max(0.0, 1 - (counts.whole - zeros) / counts.positive)


def _holes(change: Change) -> int:
    """Runs of empty bins that have values on both sides."""
    filled = change.bins_before >= FILLED_BIN
    occupied = np.asarray(change.after.bins)[filled] > 0
    inside = np.trim_zeros(occupied.astype(int))
    return int((np.diff(inside) < 0).sum())
