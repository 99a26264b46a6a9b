"""What the columns of each pair tell of one another, in training and in a window."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.baseline import noise
from pipeline.baseline.content import Baseline, Pair
from pipeline.baseline.distance import jensen_shannon, shares
from pipeline.baseline.profile import Profile
from pipeline.monitoring.rules.change import ALPHA

KEPT = 0.5  # of these bits, at least
CLEAR = 1.5  # times what is tolerated: so far training is from columns without a tie


@dataclass(frozen=True)
class Tie:
    """`before` and `after` are mutual information, in bits."""

    pair: Pair
    before: float
    after: float
    testable: bool  # columns without a tie would show
    broken: bool

    @property
    def columns(self) -> tuple[str, str]:
        return (self.pair.left, self.pair.right)


def all_ties(baseline: Baseline, window: Profile) -> list[Tie]:
    return [_tie(pair, baseline, window) for pair in baseline.pairs]


def _tie(pair: Pair, baseline: Baseline, window: Profile) -> Tie:
    before, after = _table(pair, baseline.reference), _table(pair, window)
    rows = before.sum()
    witnesses = window.effective * after.sum() / window.instances
    chance = noise.largest_divergence(np.count_nonzero(before), witnesses, rows, alpha=ALPHA)
    tolerated = baseline.scale * pair.limit + float(chance)
    testable = _distance(before, _independent(before)) > CLEAR * tolerated
    information = (_information(before, rows), _information(after, witnesses))
    lost = information[1] < KEPT * information[0]
    moved = _distance(before, after) > tolerated
    return Tie(pair, *information, testable=testable, broken=testable and lost and moved)


def _table(pair: Pair, profile: Profile) -> NDArray[np.float64]:
    cells = np.asarray(profile.pairs[pair.name], dtype=np.float64)
    return cells.reshape(pair.left_bins.count, pair.right_bins.count)


def _distance(left: NDArray[np.float64], right: NDArray[np.float64]) -> float:
    return float(jensen_shannon(left.ravel(), right.ravel()))


def _independent(table: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same rows and columns without any tie."""
    return np.outer(table.sum(axis=1), table.sum(axis=0))


def _information(table: NDArray[np.float64], witnesses: float) -> float:
    """Mutual information, without what chance alone gives (Miller and Madow, 1955)."""
    joint = shares(table.ravel()).reshape(table.shape)
    independent = _independent(joint)
    ratio = np.divide(joint, independent, out=np.ones_like(joint), where=joint > 0)
    rows, columns = np.count_nonzero(table.sum(axis=1)), np.count_nonzero(table.sum(axis=0))
    chance = max(0, rows - 1) * max(0, columns - 1) / (2 * np.log(2) * max(1.0, witnesses))
    return float((joint * np.log2(ratio)).sum() - chance)
