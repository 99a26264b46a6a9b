"""Distances between two rows of counts."""

from math import log

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

LN2 = log(2)
SMALLEST = 1e-300  # in place of zero


def shares(counts: ArrayLike) -> NDArray[np.float64]:
    """Shares along the last axis, with the sum 1; zeros without any count."""
    array = np.asarray(counts, dtype=np.float64)
    total = array.sum(axis=-1, keepdims=True)
    divisor: NDArray[np.float64] = np.maximum(total, SMALLEST)
    return array / divisor


def jensen_shannon(left: ArrayLike, right: ArrayLike) -> NDArray[np.float64]:
    """The Jensen-Shannon divergence of counts or shares in bits, from 0 to 1, along the last axis.

    A row without any count lies half a bit from each other one.
    """
    p, q = shares(left), shares(right)
    middle = (p + q) / 2
    terms = special.rel_entr(p, middle) + special.rel_entr(q, middle)
    bits: NDArray[np.float64] = terms.sum(axis=-1) / (2 * LN2)
    return bits
