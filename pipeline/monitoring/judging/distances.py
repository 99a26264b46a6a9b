"""How far a window lies from the training rows, column by column, and how far it may."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.baseline import limits, noise
from pipeline.baseline.content import Baseline, Column
from pipeline.baseline.distance import jensen_shannon, shares
from pipeline.baseline.profile import ColumnCounts, Profile


@dataclass(frozen=True, kw_only=True)
class Distance:
    """Measured and allowed: a divergence in bits, and the change of one cell's share.

    The cell is the place of a bin, or of the missing after the last bin: the one that is the
    farthest over what is allowed of it. Of numbers only the missing counts.
    """

    distance: float
    limit: float
    share_change: float
    share_limit: float
    cell: int

    @property
    def excess(self) -> float:
        """The distance above a limit, by bits or by share; negative if it is below both."""
        return max(self.distance - self.limit, self.share_change - self.share_limit)

    @property
    def is_over(self) -> bool:
        return self.excess > 0


def of_columns(baseline: Baseline, profile: Profile) -> dict[str, Distance]:
    """The distance of each judged column."""
    column_alpha = alpha(baseline)
    effect = design_effect(profile)
    distances = {}
    for name, column in judged(baseline).items():
        reference = cells(baseline.reference.columns[name])
        window = cells(profile.columns[name])
        scale = 1.0 if column.limit_is_set else baseline.scale
        measure = _Measure(
            reference=reference, window=window, effect=effect, scale=scale, alpha=column_alpha
        )
        distances[name] = measure.distance(column)
    return distances


def judged(baseline: Baseline) -> dict[str, Column]:
    """The columns with a judged distribution."""
    return {name: column for name, column in baseline.columns.items() if not column.unjudged}


def alpha(baseline: Baseline) -> float:
    """The chance of a false alarm of one column, or pair, in a day's window."""
    comparisons = len(judged(baseline)) + len(baseline.pairs)
    return limits.daily_alpha(baseline.false_alarms_a_year) / max(comparisons, 1)


def cells(counts: ColumnCounts) -> NDArray[np.int64]:
    """Instances by bin and, last, those without a usable value."""
    return np.array([*counts.bins, counts.missing + counts.mistyped])


def design_effect(profile: Profile) -> float:
    """The number of instances with the weight of one: 1 if each has a request of its own."""
    return profile.instances / profile.effective if profile.effective else 1.0


@dataclass(frozen=True, kw_only=True)
class _Measure:
    reference: NDArray[np.int64]
    window: NDArray[np.int64]
    effect: float
    scale: float
    alpha: float

    @property
    def sizes(self) -> tuple[float, float]:
        return self.window.sum() / self.effect, self.reference.sum()

    def distance(self, column: Column) -> Distance:
        occupied = np.count_nonzero(self.reference + self.window)
        chance = noise.largest_divergence(occupied, *self.sizes, alpha=self.alpha)
        changes, allowed = self._shares(column)
        cell = int(np.argmax(changes - allowed))
        return Distance(
            distance=float(jensen_shannon(self.reference, self.window)),
            limit=float(self.scale * column.limit + column.dispersion * chance),
            share_change=float(changes[cell]),
            share_limit=float(allowed[cell]),
            cell=cell,
        )

    def _shares(self, column: Column) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The change of each cell's share, -inf for an uncounted cell, and the allowed change."""
        expected, observed = shares(self.reference), shares(self.window)
        counted = limits.by_share(column.bins)
        share_alpha = self.alpha / expected[counted].size
        between = (expected + observed) / 2
        chance = noise.largest_share_change(between, *self.sizes, alpha=share_alpha)
        tolerated = np.full(expected.size, column.share_limit)
        tolerated[-1] = min(column.share_limit, max(limits.SHARE_FLOOR, column.missing_limit))
        allowed = self.scale * tolerated + np.sqrt(column.dispersion) * chance
        changes = np.full(expected.size, -np.inf)
        changes[counted] = np.abs(observed - expected)[counted]
        return changes, allowed
