"""The tolerated change of a column, by the changes between its own time blocks.

A `table` has the shape (blocks, cells); the last cell is the missing.
"""

import numpy as np
from numpy.typing import NDArray

from pipeline.baseline import mixture, noise
from pipeline.baseline.content import Bins
from pipeline.baseline.distance import jensen_shannon, shares

FLOOR = 0.01  # bits
WITHOUT_BLOCKS = 0.02  # bits
SHARE_FLOOR = 0.03
SHARE_WITHOUT_BLOCKS = 0.05
MARGIN = 1.5  # times the largest change between blocks
LARGEST = 0.3  # bits: a column that moves more by itself is not judged
DAYS_A_YEAR = 365
LARGEST_ALPHA = 0.5


def by_share(bins: Bins) -> slice:
    """The cells to judge by their shares: all of a category, a number's missing."""
    return slice(None) if bins.kind == "category" else slice(-1, None)


def daily_alpha(false_alarms_a_year: float) -> float:
    """The chance of a false alarm in each morning's window."""
    return min(false_alarms_a_year / DAYS_A_YEAR, LARGEST_ALPHA)


def of_divergence(table: NDArray[np.int64]) -> float:
    """The tolerated divergence, in bits, by the counts of each block."""
    if not len(table):
        return WITHOUT_BLOCKS
    largest = MARGIN * _largest_divergence(table)
    return max(FLOOR, largest)


def of_share(table: NDArray[np.int64], cells: slice) -> float:
    """The tolerated change of the share of one of the cells."""
    if not len(table):
        return SHARE_WITHOUT_BLOCKS
    largest = MARGIN * _largest_share_change(table, cells)
    return max(SHARE_FLOOR, largest)


def of_windows(windows: NDArray[np.int64]) -> float:
    """The tolerated divergence of a window from mixtures of past ones, in bits."""
    if len(windows) < 2:
        return WITHOUT_BLOCKS
    largest = MARGIN * mixture.largest_distance(windows)
    return max(WITHOUT_BLOCKS, largest)


def of_missing(table: NDArray[np.int64]) -> float:
    """The change between blocks of the share of the missing, the last cell, with the margin."""
    if not len(table):
        return 0.0
    return MARGIN * _largest_share_change(table, slice(-1, None))


def dispersion(
    table: NDArray[np.int64], by_day: NDArray[np.int64], block_of_day: NDArray[np.int64]
) -> float:
    """How many times as much the days of a block vary as random rows would, 1 or more.

    Pearson's statistic by its degrees of freedom, as of a quasi-Poisson model (McCullagh and
    Nelder, Generalized Linear Models, 1989, 4.5). `table` counts cells by block.
    """
    sizes = by_day.sum(axis=1, keepdims=True)
    expected = shares(table)[block_of_day] * sizes
    squares = (by_day - expected) ** 2
    terms = np.divide(squares, expected, out=np.zeros_like(expected), where=expected > 0)
    days = np.bincount(block_of_day, minlength=len(table))
    occupied = np.count_nonzero(table, axis=1)
    freedom = int(((occupied - 1) * (days - 1)).sum())
    return max(1.0, float(terms.sum()) / freedom) if freedom > 0 else 1.0


def _largest_divergence(table: NDArray[np.int64]) -> float:
    """A block's largest divergence from all others, less the mean one of chance."""
    whole = table.sum(axis=0)
    remaining = whole - table
    occupied = np.count_nonzero(whole)
    chance = noise.mean_divergence(occupied, table.sum(axis=1), remaining.sum(axis=1))
    excess = jensen_shannon(table, remaining) - chance
    return float(excess.max(initial=0.0))


def _largest_share_change(table: NDArray[np.int64], cells: slice) -> float:
    """A cell's largest change between a block and all others, less chance's in so many cells.

    Squares are subtracted, as variances are.
    """
    remaining = table.sum(axis=0) - table
    expected = shares(remaining)[:, cells]
    change = shares(table)[:, cells] - expected
    sizes = table.sum(axis=1, keepdims=True)
    reference_sizes = remaining.sum(axis=1, keepdims=True)
    alpha = 1 / max(change.size, 2)
    chance = noise.largest_share_change(expected, sizes, reference_sizes, alpha=alpha)
    excess = change**2 - chance**2
    largest = excess.max(initial=0.0)
    return float(np.sqrt(largest))
