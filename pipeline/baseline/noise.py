"""How far two samples of the same rows lie apart, by chance alone.

Without drift, 8 ln 2 / (1/n + 1/n0) times the Jensen-Shannon divergence in bits is about chi
squared with a degree of freedom for each cell but the last
(Lin, "Divergence measures based on the Shannon entropy", 1991; its second-order term).
"""

from math import log

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

NATS = 8 * log(2)


def mean_divergence(cells: ArrayLike, size: ArrayLike, reference_size: ArrayLike) -> NDArray:
    """The divergence that chance alone makes on average, in bits."""
    freedom = np.maximum(np.asarray(cells) - 1, 0)
    return freedom / NATS * inverse_sizes(size, reference_size)


def largest_divergence(
    cells: ArrayLike, size: ArrayLike, reference_size: ArrayLike, *, alpha: float
) -> NDArray:
    """What chance alone exceeds with the probability `alpha`, in bits."""
    freedom = np.maximum(np.asarray(cells) - 1, 1)
    return special.chdtri(freedom, alpha) / NATS * inverse_sizes(size, reference_size)


def largest_share_change(
    share: ArrayLike, size: ArrayLike, reference_size: ArrayLike, *, alpha: float
) -> NDArray:
    """By how much chance alone moves one of the shares, with the probability `alpha`."""
    shares = np.asarray(share)
    quantile = -special.ndtri(alpha / 2)
    variance = shares * (1 - shares) * inverse_sizes(size, reference_size)
    return quantile * np.sqrt(variance)


def inverse_sizes(size: ArrayLike, reference_size: ArrayLike) -> NDArray[np.float64]:
    sizes = np.maximum(np.asarray(size, dtype=np.float64), 1)
    reference_sizes = np.maximum(np.asarray(reference_size, dtype=np.float64), 1)
    return 1 / sizes + 1 / reference_sizes
