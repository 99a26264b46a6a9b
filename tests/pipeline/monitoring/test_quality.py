"""Live quality from counts, beside scikit-learn on the rows; scores and labels of a known world."""

import numpy as np
import pytest
from sklearn import metrics

from pipeline.baseline.content import Calibration
from pipeline.monitoring.quality import LEAST_ROWS, NoFigureError, expected, measured

BINS = 1000
SCORE_BINS = 50


def world(rows, seed, shift=0.0):
    """Scores that are right: a row with the score s is a positive with the probability s."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(shift - 1, 1.5, rows)
    scores = 1 / (1 + np.exp(-logits))
    return scores, generator.random(rows) < scores


def binned(scores, labels, bins=BINS):
    places = np.minimum((scores * bins).astype(int), bins - 1)
    negatives = np.bincount(places[~labels], minlength=bins)
    positives = np.bincount(places[labels], minlength=bins)
    return negatives, positives


def calibration_of(scores, labels):
    negatives, positives = binned(scores, labels, SCORE_BINS)
    return Calibration(rows=tuple(negatives + positives), positives=tuple(positives))


BY_SKLEARN = {
    "auc": metrics.roc_auc_score,
    "auc_precision_recall": metrics.average_precision_score,
    "binary_accuracy": lambda labels, scores: metrics.accuracy_score(labels, scores >= 0.5),
    "precision": lambda labels, scores: metrics.precision_score(labels, scores >= 0.5),
    "recall": lambda labels, scores: metrics.recall_score(labels, scores >= 0.5),
}


@pytest.mark.parametrize("metric", BY_SKLEARN)
def test_a_metric_of_a_thousand_bins_is_sklearns(metric):
    scores, labels = world(20_000, seed=1)

    figure = measured(metric, *binned(scores, labels))

    assert figure.value == pytest.approx(BY_SKLEARN[metric](labels, scores), abs=0.001)


@pytest.mark.parametrize("metric", ["auc", "auc_precision_recall", "precision"])
def test_the_interval_holds_the_true_figure_19_times_of_20(metric):
    population_scores, population_labels = world(500_000, seed=2)
    truth = BY_SKLEARN[metric](population_labels, population_scores)

    figures = [measured(metric, *binned(*world(1_000, seed))) for seed in range(60)]

    held = sum(figure.low <= truth <= figure.high for figure in figures)
    assert held >= 52


def test_fewer_independent_rows_widen_the_interval():
    bins = binned(*world(5_000, seed=3))

    wide, narrow = measured("auc", *bins, effective=500), measured("auc", *bins)

    ratio = (wide.high - wide.low) / (narrow.high - narrow.low)
    assert ratio == pytest.approx(10**0.5, rel=0.15)


def test_too_few_labelled_rows_give_no_figure():
    bins = binned(*world(LEAST_ROWS - 1, seed=4))

    with pytest.raises(NoFigureError, match="199 labelled rows, a figure needs 200"):
        measured("auc", *bins)


@pytest.mark.parametrize(("label", "only"), [(False, "negatives"), (True, "positives")])
def test_labels_of_one_class_give_no_figure(label, only):
    scores, _ = world(1_000, seed=5)

    with pytest.raises(NoFigureError, match=f"all 1000 labelled rows are {only}"):
        measured("auc", *binned(scores, np.full(1_000, label)))


@pytest.mark.parametrize("metric", BY_SKLEARN)
def test_without_labels_the_expected_figure_is_near_the_true_one(metric):
    calibration = calibration_of(*world(20_000, seed=6))
    scores, labels = world(20_000, seed=7)
    negatives, positives = binned(scores, labels, SCORE_BINS)

    figure = expected(metric, negatives + positives, calibration)

    assert figure.value == pytest.approx(BY_SKLEARN[metric](labels, scores), abs=0.02)


@pytest.mark.parametrize("shift", [-1.0, 1.0])
def test_another_mix_of_requests_is_followed_without_labels(shift):
    calibration = calibration_of(*world(20_000, seed=8))
    scores, labels = world(20_000, seed=9, shift=shift)
    negatives, positives = binned(scores, labels, SCORE_BINS)

    figure = expected("auc", negatives + positives, calibration)

    truth = metrics.roc_auc_score(labels, scores)
    assert figure.low - 0.01 <= truth <= figure.high + 0.01
    assert figure.value == pytest.approx(truth, abs=0.02)


def test_the_expected_figure_is_blind_to_other_outcomes_of_the_same_requests():
    calibration = calibration_of(*world(20_000, seed=10))
    scores, _ = world(20_000, seed=11)
    chance = np.random.default_rng(12).random(20_000) < 0.3
    negatives, positives = binned(scores, chance, SCORE_BINS)

    figure = expected("auc", negatives + positives, calibration)

    truth = metrics.roc_auc_score(chance, scores)
    assert truth == pytest.approx(0.5, abs=0.02)
    assert figure.low > 0.7
