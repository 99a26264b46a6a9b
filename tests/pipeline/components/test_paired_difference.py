"""The paired difference of a metric is what a slow reference says, and its interval holds."""

import itertools

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn import metrics

from pipeline.components.paired_difference import METRICS, difference

NORMAL_95 = 1.959963984540054
SEED = 18
ON_DECISIONS = {
    "binary_accuracy": metrics.accuracy_score,
    "precision": metrics.precision_score,
    "recall": metrics.recall_score,
}

score = st.sampled_from([0.0, 0.2, 0.4, 0.5, 0.6, 1.0])  # few values: many are equal
row = st.tuples(st.booleans(), score, score)
samples = st.lists(row, min_size=4, max_size=30)


def slow_difference(labels, new, old):
    """DeLong's difference of areas and its variance, pair by pair."""
    positives = np.flatnonzero(labels)
    negatives = np.flatnonzero(~labels)
    changes = np.zeros((positives.size, negatives.size))
    places = itertools.product(range(positives.size), range(negatives.size))
    for i, j in places:
        p, n = positives[i], negatives[j]
        changes[i, j] = win(new[p], new[n]) - win(old[p], old[n])
    variance = 0.0
    for axis in (0, 1):
        means = changes.mean(axis=axis)
        variance += means.var(ddof=1) / means.size
    return changes.mean(), variance


def win(positive, negative):
    if positive == negative:
        return 0.5
    return float(positive > negative)


def simulated(generator, size, signal=1.0):
    """Labels and the scores of two models, whose errors have much in common."""
    labels = generator.random(size) < 0.3
    common = generator.normal(size=size)
    new = noisy(generator, common + signal * labels)
    old = noisy(generator, common + labels)
    return labels, new, old


def noisy(generator, logits):
    noise = generator.normal(0, 0.5, logits.size)
    odds = np.exp(logits + noise)
    return odds / (1 + odds)


@pytest.fixture
def generator():
    return np.random.default_rng(SEED)


@given(samples)
def test_the_difference_of_areas_is_delongs(sample):
    labels, new, old = map(np.array, zip(*sample, strict=True))
    assume(2 <= labels.sum() <= labels.size - 2)
    change, variance = slow_difference(labels, new, old)
    half = NORMAL_95 * np.sqrt(variance)

    result = difference("auc", labels, new, old)

    assert result.new == pytest.approx(metrics.roc_auc_score(labels, new))
    assert result.old == pytest.approx(metrics.roc_auc_score(labels, old))
    assert result.change == pytest.approx(change)
    assert result.low == pytest.approx(change - half)
    assert result.high == pytest.approx(change + half)


def test_the_interval_holds_the_true_difference_19_times_in_20(generator):
    everyone = simulated(generator, 400_000, signal=1.1)
    true_change = difference("auc", *everyone).change
    held = 0

    for _ in range(1000):
        sample = simulated(generator, 500, signal=1.1)
        result = difference("auc", *sample)
        held += result.low <= true_change <= result.high

    assert 930 <= held <= 970


@pytest.mark.parametrize(("metric", "reference"), ON_DECISIONS.items())
def test_a_decisions_figures_are_sklearns_at_a_half(metric, reference, generator):
    labels, new, old = simulated(generator, 300)

    result = difference(metric, labels, new, old)

    assert result.new == pytest.approx(reference(labels, new > 0.5))
    assert result.old == pytest.approx(reference(labels, old > 0.5))
    assert result.low <= result.change <= result.high


def test_the_area_below_precision_and_recall_is_the_average_precision(generator):
    labels, new, old = simulated(generator, 300)

    result = difference("auc_precision_recall", labels, new, old)

    assert result.new == metrics.average_precision_score(labels, new)
    assert result.old == metrics.average_precision_score(labels, old)
    assert result.low <= result.change <= result.high


def test_a_bootstrapped_interval_is_that_of_paired_rows(generator):
    labels, new, old = simulated(generator, 4000, signal=2.0)
    new_hits = (new > 0.5) == labels
    old_hits = (old > 0.5) == labels
    changes = new_hits.astype(int) - old_hits
    half = NORMAL_95 * changes.std() / np.sqrt(labels.size)

    result = difference("binary_accuracy", labels, new, old)

    assert result.low == pytest.approx(changes.mean() - half, abs=0.1 * half)
    assert result.high == pytest.approx(changes.mean() + half, abs=0.1 * half)


def test_a_bootstrap_says_the_same_twice(generator):
    sample = simulated(generator, 300)

    first = difference("recall", *sample)
    second = difference("recall", *sample)

    assert second == first


@pytest.mark.parametrize("metric", ["auc", *METRICS])
def test_equal_scores_differ_by_nothing(metric, generator):
    labels, new, _ = simulated(generator, 300)

    result = difference(metric, labels, new, new)

    assert result.low == 0
    assert result.high == 0
