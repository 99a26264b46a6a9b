"""Distances between two rows of counts."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def shares(counts: ArrayLike) -> NDArray[np.float64]:
    """Along the last axis, which sums up to 1; zeros without any count."""
    array = np.asarray(counts, dtype=np.float64)
    total = array.sum(axis=-1, keepdims=True)
    return np.divide(array, total, out=np.zeros_like(array), where=total > 0)


def jensen_shannon(left: ArrayLike, right: ArrayLike) -> NDArray[np.float64]:
    """The Jensen-Shannon divergence in bits, from 0 to 1, along the last axis."""
    p, q = np.broadcast_arrays(shares(left), shares(right))
    middle = (p + q) / 2
    return (_relative_entropy(p, middle) + _relative_entropy(q, middle)) / 2


def largest_change(left: ArrayLike, right: ArrayLike) -> NDArray[np.float64]:
    """The largest change of one bin's share, along the last axis."""
    return np.abs(shares(left) - shares(right)).max(axis=-1)


def _relative_entropy(p: NDArray[np.float64], q: NDArray[np.float64]) -> NDArray[np.float64]:
    ratio = np.divide(p, q, out=np.ones_like(p), where=p > 0)
    entropy: NDArray[np.float64] = (p * np.log2(ratio)).sum(axis=-1)
    return entropy
