"""The mutual information of each pair's columns, in training and in a window."""

from dataclasses import dataclass
from functools import cached_property
from math import log

import numpy as np
from numpy.typing import NDArray

from pipeline.baseline import noise
from pipeline.baseline.content import Baseline, Pair
from pipeline.baseline.distance import jensen_shannon, shares
from pipeline.baseline.profile import Profile
from pipeline.monitoring.judging.rules.change import ALPHA

KEPT = 0.5  # of the bits that two columns tell of each other, at least
MILLER_MADOW = 2 * log(2)  # chance in bits: freedom / (2 ln 2 n)
CLEAR = 1.5  # times what is tolerated: so far training is from columns without a tie


@dataclass(frozen=True)
class Tie:
    """The mutual information of two columns, in bits."""

    pair: Pair
    training: float
    window: float
    testable: bool  # columns without a tie would show
    broken: bool

    @property
    def columns(self) -> tuple[str, str]:
        return (self.pair.left, self.pair.right)

    @property
    def lost(self) -> float:
        return self.training - self.window

    def has_any_of(self, names: set[str]) -> bool:
        return not names.isdisjoint(self.columns)


def all_ties(baseline: Baseline, window: Profile) -> list[Tie]:
    return [_tie(pair, baseline, window) for pair in baseline.pairs]


def _tie(pair: Pair, baseline: Baseline, window: Profile) -> Tie:
    training = _Table.of(pair, baseline.reference)
    served = _Table.of(pair, window)
    cells = np.count_nonzero(training.cells)
    chance = noise.largest_divergence(cells, served.witnesses, training.witnesses, alpha=ALPHA)
    tolerated = baseline.scale * pair.limit + float(chance)
    testable = training.distance(training.independent) > CLEAR * tolerated
    moved = training.distance(served.cells) > tolerated
    lost = served.information < KEPT * training.information
    return Tie(
        pair=pair,
        training=training.information,
        window=served.information,
        testable=testable,
        broken=testable and lost and moved,
    )


@dataclass(frozen=True)
class _Table:
    """Instances by the bins of two columns; `witnesses` is the effective size of them all."""

    cells: NDArray[np.float64]
    witnesses: float

    @classmethod
    def of(cls, pair: Pair, profile: Profile) -> "_Table":
        counts = np.asarray(profile.pairs[pair.name], dtype=np.float64)
        cells = counts.reshape(pair.left_bins.count, pair.right_bins.count)
        present = float(cells.sum()) / profile.instances
        return cls(cells, present * profile.effective)

    @property
    def independent(self) -> NDArray[np.float64]:
        """The same rows and columns without any tie."""
        rows = self.cells.sum(axis=1)
        columns = self.cells.sum(axis=0)
        return np.outer(rows, columns)

    @cached_property
    def information(self) -> float:
        """Mutual information in bits, without chance's part (Miller and Madow, 1955)."""
        joint = shares(self.cells.ravel())
        independent = shares(self.independent.ravel())
        ratio = np.divide(joint, independent, out=np.ones_like(joint), where=joint > 0)
        information = float(joint @ np.log2(ratio))
        return information - self._chance

    @property
    def _chance(self) -> float:
        row_sums = self.cells.sum(axis=1)
        column_sums = self.cells.sum(axis=0)
        rows = max(1, np.count_nonzero(row_sums))
        columns = max(1, np.count_nonzero(column_sums))
        freedom = float((rows - 1) * (columns - 1))
        return freedom / MILLER_MADOW / max(1.0, self.witnesses)

    def distance(self, cells: NDArray[np.float64]) -> float:
        divergence = jensen_shannon(self.cells.ravel(), cells.ravel())
        return float(divergence)
