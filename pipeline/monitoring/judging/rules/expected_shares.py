"""Expected shares of a column, had it another column's training values, or scaled ones."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pipeline.baseline.content import Column
from pipeline.monitoring.judging.rules.change import Change


def scaled_shares(
    column: Column, edges: Sequence[float], factors: ArrayLike = 1.0
) -> NDArray[np.float64]:
    """Shares of a column's training numbers between `edges`, had they been multiplied.

    One factor gives a share for each bin, several give a row each.
    """
    quantiles = np.asarray(column.quantiles)
    ranks = np.linspace(0, 1, quantiles.size)
    numbers = np.asarray(edges, dtype=np.float64)
    quotients = np.divide.outer(numbers, factors)
    below = np.interp(quotients.T, quantiles, ranks, left=0, right=1)
    return np.diff(below, prepend=0.0, append=1.0)


def shares_of_values(change: Change, partner: Change) -> NDArray[np.float64]:
    """Shares of the partner's training values in the column's bins, all others last."""
    counts = value_counts(partner)
    rows = max(1, sum(partner.training.bins))
    named = [counts.get(value, 0) for value in change.column.bins.values]
    unnamed = max(0, rows - sum(named))
    return np.array([*named, unnamed]) / rows


def value_counts(change: Change) -> dict[str, int]:
    """The training rows by each named value."""
    bins = zip(change.column.bins.values, change.training.bins, strict=False)
    return dict(bins) | dict(change.training.other_values)
