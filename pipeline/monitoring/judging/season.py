"""Whether a window is of a time of day, week or year without training rows."""

from collections.abc import Sequence

import numpy as np

from pipeline.baseline import mixture, noise
from pipeline.baseline.content import Baseline
from pipeline.baseline.distance import jensen_shannon
from pipeline.baseline.profile import Profile
from pipeline.monitoring.judging.distances import alpha, design_effect


def unlike_training(baseline: Baseline, profile: Profile) -> list[str]:
    """The columns of the clock, each unlike every mixture of training's own windows.

    Without such windows there is none: the usual values are unknown.
    """
    return [
        name
        for name, column in baseline.columns.items()
        if column.windows and _is_unlike(baseline, name, profile)
    ]


def is_first(baseline: Baseline, names: Sequence[str], earlier: Sequence[Profile]) -> bool:
    """Say whether the last window with instances was like training in all these columns."""
    former = next((profile for profile in earlier if profile.instances), None)
    if former is None:
        return True
    former_names = unlike_training(baseline, former)
    return set(names).isdisjoint(former_names)


def _is_unlike(baseline: Baseline, name: str, profile: Profile) -> bool:
    column = baseline.columns[name]
    window = np.array(profile.columns[name].bins)
    windows = np.array(column.windows)
    whole = windows.sum(axis=0)
    occupied = np.count_nonzero(whole + window)
    size = window.sum() / design_effect(profile)
    rows = whole.sum()
    chance = noise.largest_divergence(occupied, size, rows, alpha=alpha(baseline))
    allowed = column.window_limit + chance
    if jensen_shannon(window, whole) <= allowed:
        return False  # as the sum of all windows: no other mixture is to be looked for
    return mixture.distance(window, windows) > float(allowed)
