"""A gate's metrics of counts by score bin, along the last axis: negatives and positives."""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Metric: TypeAlias = Callable[[Floats, Floats], Floats]  # of negatives and positives

THRESHOLD = 0.5  # of the classes that accuracy, precision and recall speak of


def auc(negatives: Floats, positives: Floats) -> Floats:
    """The share of pairs in the right order; pairs within a bin count half."""
    below = np.cumsum(negatives, axis=-1)
    middle = below - negatives / 2
    ordered = _total(positives * middle)
    pairs = _total(negatives) * _total(positives)
    return _ratio(ordered, pairs)


def auc_precision_recall(negatives: Floats, positives: Floats) -> Floats:
    """The average precision: a step for each bin, from the highest score down."""
    hits = _from_above(positives)
    misses = _from_above(negatives)
    precision = _ratio(hits, hits + misses)
    steps = np.nan_to_num(precision) * positives
    return _ratio(_total(steps), _total(positives))


def binary_accuracy(negatives: Floats, positives: Floats) -> Floats:
    above = _above(negatives)
    right = np.where(above, positives, negatives)
    return _ratio(_total(right), _total(positives + negatives))


def precision(negatives: Floats, positives: Floats) -> Floats:
    above = _above(negatives)
    hits = _total(positives * above)
    misses = _total(negatives * above)
    return _ratio(hits, hits + misses)


def recall(negatives: Floats, positives: Floats) -> Floats:
    above = _above(negatives)
    hits = _total(positives * above)
    return _ratio(hits, _total(positives))


def _above(counts: Floats) -> NDArray[np.bool_]:
    """The bins whose scores say positive."""
    bins = counts.shape[-1]
    return np.arange(bins) >= bins * THRESHOLD


def _from_above(counts: Floats) -> Floats:
    """How many lie in each bin or above it."""
    reverse = np.flip(counts, axis=-1)
    sums: Floats = np.cumsum(reverse, axis=-1)
    return np.flip(sums, axis=-1)


def _total(counts: Floats) -> Floats:
    total: Floats = counts.sum(axis=-1)
    return total


def _ratio(numerator: Floats, denominator: Floats) -> Floats:
    empty = np.full(np.shape(numerator), np.nan)
    return np.divide(numerator, denominator, out=empty, where=np.asarray(denominator) > 0)


METRICS: dict[str, Metric] = {
    "auc": auc,
    "auc_precision_recall": auc_precision_recall,
    "binary_accuracy": binary_accuracy,
    "precision": precision,
    "recall": recall,
}
