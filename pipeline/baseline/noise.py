"""How far two samples of the same rows lie apart, by chance alone.

Without drift, 8 ln 2 / (1/n + 1/n0) times the Jensen-Shannon divergence in bits is about chi
squared, with a degree of freedom for each cell but one: the second-order term of its expansion
(Lin, "Divergence measures based on the Shannon entropy", 1991). A test compares it with samples.
"""

from math import log

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

EXPANSION = 8 * log(2)


def mean_divergence(
    cells: ArrayLike, size: ArrayLike, reference_size: ArrayLike
) -> NDArray[np.float64]:
    """The divergence that chance alone makes on average, in bits."""
    freedom = np.maximum(np.asarray(cells) - 1, 0)
    return freedom / EXPANSION * _inverse_sizes(size, reference_size)


def largest_divergence(
    cells: ArrayLike, size: ArrayLike, reference_size: ArrayLike, *, alpha: float
) -> NDArray[np.float64]:
    """What chance alone exceeds with the probability `alpha`, in bits."""
    freedom = np.maximum(np.asarray(cells) - 1, 1)
    quantile: NDArray[np.float64] = special.chdtri(freedom, alpha)
    return quantile / EXPANSION * _inverse_sizes(size, reference_size)


def largest_share_change(
    share: ArrayLike, size: ArrayLike, reference_size: ArrayLike, *, alpha: float
) -> NDArray[np.float64]:
    """By how much chance alone moves one of the shares, with the probability `alpha`."""
    variance = _share_variance(share, size, reference_size)
    quantile = -float(special.ndtri(alpha / 2))
    return quantile * np.sqrt(variance)


def _share_variance(
    share: ArrayLike, size: ArrayLike, reference_size: ArrayLike
) -> NDArray[np.float64]:
    """Of the difference of a share between two samples."""
    shares = np.asarray(share)
    return shares * (1 - shares) * _inverse_sizes(size, reference_size)


def _inverse_sizes(size: ArrayLike, reference_size: ArrayLike) -> NDArray[np.float64]:
    sizes = np.maximum(np.asarray(size, dtype=np.float64), 1)
    reference_sizes = np.maximum(np.asarray(reference_size, dtype=np.float64), 1)
    return 1 / sizes + 1 / reference_sizes
