"""Whether a window is of a time of day, week or year that training has not seen."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pipeline.baseline import noise
from pipeline.baseline.content import Baseline, Column
from pipeline.baseline.distance import jensen_shannon, shares
from pipeline.baseline.profile import Profile
from pipeline.monitoring.distances import alpha, cells, design_effect

TOLERATED = 0.05  # bits, of a column that is not judged otherwise
STEPS = 200  # of the search for a mixture


def unlike_training(baseline: Baseline, profile: Profile) -> list[str]:
    """The columns that follow the clock and are as in no mixture of training's own windows.

    Without such windows there is none: nobody knows what is usual.
    """
    effect = design_effect(profile)
    column_alpha = alpha(baseline)
    names = []
    for name, column in baseline.columns.items():
        if not column.windows:
            continue
        window = cells(profile.columns[name])
        divergence = jensen_shannon(window, nearest_mixture(window, column.windows))
        occupied = np.count_nonzero(np.sum(column.windows, axis=0) + window)
        reference_size = np.sum(column.windows)
        size = window.sum() / effect
        chance = noise.largest_divergence(occupied, size, reference_size, alpha=column_alpha)
        if divergence > _tolerated(baseline, column) + chance:
            names.append(name)
    return names


def is_first(baseline: Baseline, names: Sequence[str], earlier: Sequence[Profile]) -> bool:
    """Say whether the window before was like training in all these columns."""
    if not earlier:
        return True
    before = unlike_training(baseline, earlier[0])
    return not set(names) & set(before)


def nearest_mixture(counts: ArrayLike, windows: ArrayLike) -> NDArray[np.float64]:
    """The shares of the likeliest mixture of `windows` (rows of counts) behind `counts`.

    The weights by expectation and maximization (Dempster, Laird and Rubin, 1977).
    """
    observed = shares(counts)
    parts = shares(windows)
    weights = np.full(len(parts), 1 / len(parts))
    for _ in range(STEPS):
        mixture = weights @ parts
        ratio = np.divide(observed, mixture, out=np.zeros_like(mixture), where=mixture > 0)
        weights = weights * (parts @ ratio)
        total = weights.sum()
        if total == 0:
            return np.zeros_like(mixture)
        weights = weights / total
    return weights @ parts


def _tolerated(baseline: Baseline, column: Column) -> float:
    return TOLERATED if column.unjudged else baseline.scale * column.limit
