"""The hundredths of a column's numbers, without a number of few rows."""

import numpy as np
from numpy.typing import NDArray

from pipeline.baseline.bins import halfway
from pipeline.baseline.profile import FOLDED

STEPS = 100


def of_numbers(distinct: NDArray[np.float64], counts: NDArray[np.int64]) -> tuple[float, ...]:
    """101 quantiles: one of fewer than ten rows lies halfway to the next number.

    `distinct` is sorted; none for fewer than two numbers.
    """
    if distinct.size < 2:
        return ()
    cumulative = np.cumsum(counts)
    ranks = np.arange(STEPS + 1) * (cumulative[-1] - 1) // STEPS
    places = np.searchsorted(cumulative, ranks, side="right")
    lower = np.minimum(places, distinct.size - 2)
    between = halfway(distinct[lower], distinct[lower + 1])
    frequent = counts[places] >= FOLDED
    return tuple(np.where(frequent, distinct[places], between).tolist())
