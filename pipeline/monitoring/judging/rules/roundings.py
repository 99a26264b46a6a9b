"""Numbers with fewer digits than training had."""

from math import sqrt

import numpy as np

from pipeline.baseline.profile import ColumnCounts
from pipeline.monitoring.judging.rules.change import SIGMAS, Change
from pipeline.monitoring.judging.rules.sentences import fault, percent
from pipeline.monitoring.verdict import Finding

LOST = 0.4  # of the fractions
FRACTIONS = 0.1  # of the numbers at least had one
FILLED_BIN = 0.02  # of training's values
EXPECTED = 16  # witnesses in such a bin, at least: none are no chance
FEWER = 4  # times fewer different numbers
HOLES = 2  # between bins that have values


def rounded(change: Change) -> Finding | None:
    """Whole numbers stand in place of training's fractions."""
    if change.column.bins.kind != "number" or not change.present:
        return None
    training = _fractions(change.training)
    window = _fractions(change.window)
    variance = training * (1 - training) / change.present
    lost = training - window - SIGMAS * sqrt(variance)
    if training < FRACTIONS or lost <= LOST * training:
        return None
    return fault(
        "rounded",
        [change],
        f"{change.name} is rounded: {percent(1 - window)} of its numbers are whole, in training "
        f"{percent(1 - training)}",
        f"send {change.name} with the digits that it has in the training rows",
    )


def coarse(change: Change) -> Finding | None:
    """Values only lie in some bins, with empty ones between them."""
    if change.column.bins.kind != "number" or not change.is_judged or not change.moved:
        return None
    distinct = change.window.distinct
    few = FEWER * distinct < change.training.distinct
    holes = _holes(change)
    if not few or holes < HOLES or FILLED_BIN * change.present < EXPECTED or change.in_season:
        return None
    return fault(
        "rounded",
        [change],
        f"{change.name} is rounded: it has {distinct} values, in training "
        f"{change.training.distinct}, and {holes} gaps lie between them",
        f"send {change.name} with the digits that it has in the training rows",
    )


def _fractions(counts: ColumnCounts) -> float:
    """The share of numbers with a fraction; zeros come and go with other causes."""
    numbers = counts.positive or sum(counts.bins)
    if not numbers:
        return 0.0
    zeros = sum(counts.bins) - numbers
    whole = max(0, counts.whole - zeros)
    return max(0.0, 1 - whole / numbers)


def _holes(change: Change) -> int:
    """Runs of empty bins with values on both sides."""
    filled = change.training_bins >= FILLED_BIN
    occupied = change.window_bins[filled] > 0
    inside = np.trim_zeros(occupied.astype(int))
    falls = np.diff(inside) < 0
    return int(falls.sum())
