"""Whether a window could be a mixture of training's own windows, in a column of the calendar."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pipeline.baseline import noise
from pipeline.baseline.distance import jensen_shannon, shares

STEPS = 50  # of the search for the likeliest mixture
TRIED = 40  # windows of training, at most, that are looked for in the others


def distance(counts: ArrayLike, windows: ArrayLike) -> float:
    """The divergence in bits of `counts` from the likeliest mixture of `windows`.

    `counts` are by bin, `windows` of the shape (windows, bins). The weights come by expectation and
    maximization (Dempster, Laird and Rubin, 1977). Without any count in common it is 1.
    """
    observed, parts = shares(counts), shares(windows)
    weights = shares(np.sum(windows, axis=1))
    for _ in range(STEPS):
        mixture = weights @ parts
        ratio = np.divide(observed, mixture, out=np.zeros_like(mixture), where=mixture > 0)
        products = weights * (parts @ ratio)
        total = products.sum()
        if total == 0:
            return 1.0
        weights = products / total
    return float(jensen_shannon(observed, weights @ parts))


def largest_distance(windows: NDArray[np.int64]) -> float:
    """A training window's largest distance from mixtures of the others, in bits, less chance's."""
    largest = 0.0
    cells = np.count_nonzero(windows.sum(axis=0))
    step = -(-len(windows) // TRIED)
    for place in range(0, len(windows), step):
        remaining = np.delete(windows, place, axis=0)
        size = windows[place].sum()
        chance = noise.mean_divergence(cells, size, remaining.sum())
        excess = distance(windows[place], remaining) - chance
        largest = max(largest, float(excess))
    return largest
