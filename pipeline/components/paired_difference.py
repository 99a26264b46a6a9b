"""How much better one model's scores are than another's on the same rows, with a 95 % interval."""

import math
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Labels: TypeAlias = NDArray[np.bool_]
Scores: TypeAlias = NDArray[np.float64]
Metric: TypeAlias = Callable[[Labels, Scores], float]

LEVEL = 0.95
NORMAL_QUANTILE = float(stats.norm.ppf((1 + LEVEL) / 2))
THRESHOLD = 0.5  # TFMA's own, for metrics of a decision
RESAMPLES = 1000
ROWS_AT_ONCE = 2_000_000  # of resampled rows, so that memory has room for them
SEED = 13


class Difference(NamedTuple):
    new: float  # the metric of each model
    old: float
    low: float  # of the interval around new - old
    high: float

    @property
    def change(self) -> float:
        return self.new - self.old


def difference(metric: str, labels: Labels, new: Scores, old: Scores) -> Difference:
    """The paired difference of a metric of the gate; the labels must hold both classes."""
    if metric == "auc":
        return _of_areas(labels, new, old)
    return _of_resamples(METRICS[metric], labels, new, old)


def _of_areas(labels: Labels, new: Scores, old: Scores) -> Difference:
    """By DeLong's variance, in O(n log n).

    DeLong, DeLong and Clarke-Pearson 1988 (doi.org/10.2307/2531595), by midranks as in Sun and Xu
    2014 (doi.org/10.1109/LSP.2014.2337313).
    """
    new_shares = _placements(labels, new)
    old_shares = _placements(labels, old)
    variance = 0.0
    for new_part, old_part in zip(new_shares, old_shares, strict=True):
        changes = new_part - old_part
        variance += np.var(changes, ddof=1) / changes.size
    new_area = float(new_shares.of_positives.mean())
    old_area = float(old_shares.of_positives.mean())
    change = new_area - old_area
    half = NORMAL_QUANTILE * math.sqrt(variance)
    return Difference(new_area, old_area, change - half, change + half)


class _Placements(NamedTuple):
    of_positives: Scores  # each one's share of negatives below it
    of_negatives: Scores  # each one's share of positives above it


def _placements(labels: Labels, scores: Scores) -> _Placements:
    """An equal score is half below and half above. The mean of either part is the area."""
    positives = scores[labels]
    negatives = scores[~labels]
    ranks = stats.rankdata(scores)
    below = ranks[labels] - stats.rankdata(positives)
    below_negatives = ranks[~labels] - stats.rankdata(negatives)
    above = positives.size - below_negatives
    return _Placements(below / negatives.size, above / positives.size)


def _of_resamples(metric: Metric, labels: Labels, new: Scores, old: Scores) -> Difference:
    """By a seeded bootstrap of rows: both models answer the same resample."""

    def change(rows: NDArray[np.int64]) -> float:
        new_value = metric(labels[rows], new[rows])
        old_value = metric(labels[rows], old[rows])
        return new_value - old_value

    rows = np.arange(labels.size)
    resamples_at_once = max(1, ROWS_AT_ONCE // rows.size)
    generator = np.random.default_rng(SEED)
    result = stats.bootstrap(
        (rows,),
        change,
        vectorized=False,
        n_resamples=RESAMPLES,
        batch=resamples_at_once,
        confidence_level=LEVEL,
        method="percentile",
        rng=generator,
    )
    low, high = map(float, result.confidence_interval)
    return Difference(metric(labels, new), metric(labels, old), low, high)


def _accuracy(labels: Labels, scores: Scores) -> float:
    decisions = scores > THRESHOLD
    return float(np.mean(decisions == labels))


def _precision(labels: Labels, scores: Scores) -> float:
    decisions = scores > THRESHOLD
    return _share(labels[decisions])


def _recall(labels: Labels, scores: Scores) -> float:
    decisions = scores > THRESHOLD
    return _share(decisions[labels])


def _share(hits: NDArray[np.bool_]) -> float:
    """0 where a resample holds no such row."""
    return float(np.mean(hits)) if hits.size else 0.0


def _average_precision(labels: Labels, scores: Scores) -> float:
    from sklearn import metrics  # which no other metric takes the time to import

    return float(metrics.average_precision_score(labels, scores))


METRICS: dict[str, Metric] = {
    "auc_precision_recall": _average_precision,
    "binary_accuracy": _accuracy,
    "precision": _precision,
    "recall": _recall,
}
