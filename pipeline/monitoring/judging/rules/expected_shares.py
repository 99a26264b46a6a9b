"""The training values of a column in the bins of another, or multiplied."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pipeline.baseline.content import Column


def scaled_shares(
    column: Column, edges: Sequence[float], factors: ArrayLike = 1.0
) -> NDArray[np.float64]:
    """Shares of a column's training values between edges, had they been multiplied.

    Several factors give a row each.
    """
    quantiles = np.asarray(column.quantiles)
    ranks = np.linspace(0, 1, quantiles.size)
    numbers = np.asarray(edges, dtype=np.float64)
    quotients = np.divide.outer(numbers, factors)
    below = np.interp(quotients.T, quantiles, ranks, left=0, right=1)
    return np.diff(below, prepend=0.0, append=1.0)
