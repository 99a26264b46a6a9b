"""How far two samples of the same rows lie apart, by chance alone.

Without drift, 8 ln 2 / (1/n + 1/n0) times the Jensen-Shannon divergence in bits is about chi
squared, with a degree of freedom for each cell but one: the second-order term of its expansion
(Lin, "Divergence measures based on the Shannon entropy", 1991). A test compares it with samples.
"""

from functools import lru_cache
from math import log

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

EXPANSION = 8 * log(2)


def mean_divergence(cells: int, size: ArrayLike, reference_size: ArrayLike) -> NDArray[np.float64]:
    """The mean divergence by chance alone, in bits."""
    freedom = max(cells - 1, 0)
    return freedom / EXPANSION * _inverse_sizes(size, reference_size)


def largest_divergence(
    cells: int, size: ArrayLike, reference_size: ArrayLike, *, alpha: float
) -> NDArray[np.float64]:
    """The divergence exceeded by chance alone with the probability `alpha`, in bits."""
    quantile = _chi_squared(max(cells - 1, 1), alpha)
    return quantile / EXPANSION * _inverse_sizes(size, reference_size)


def largest_share_change(
    share: ArrayLike, size: ArrayLike, reference_size: ArrayLike, *, alpha: float
) -> NDArray[np.float64]:
    """By how much chance alone moves one of the shares, with the probability `alpha`."""
    variance = _share_variance(share, size, reference_size)
    return _normal(alpha / 2) * np.sqrt(variance)


def _share_variance(
    share: ArrayLike, size: ArrayLike, reference_size: ArrayLike
) -> NDArray[np.float64]:
    """Of the difference of a share between two samples."""
    shares = np.asarray(share)
    return shares * (1 - shares) * _inverse_sizes(size, reference_size)


@lru_cache(maxsize=1000)
def _chi_squared(freedom: int, alpha: float) -> float:
    """The quantile exceeded by a chi squared number with the probability `alpha`."""
    return float(special.chdtri(freedom, alpha))


@lru_cache(maxsize=1000)
def _normal(alpha: float) -> float:
    """The quantile exceeded by a standard normal number with the probability `alpha`."""
    return -float(special.ndtri(alpha))


def _inverse_sizes(size: ArrayLike, reference_size: ArrayLike) -> NDArray[np.float64]:
    inverses: NDArray[np.float64] = 1 / np.maximum(size, 1) + 1 / np.maximum(reference_size, 1)
    return inverses
