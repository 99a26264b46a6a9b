"""Live quality from counts, beside scikit-learn on the rows; scores and labels of a known world."""

import numpy as np
import pytest
from sklearn import metrics

from pipeline.monitoring.quality import calibration
from pipeline.monitoring.quality.estimates import LEAST_ROWS, NoFigureError, expected, measured
from tests.pipeline.monitoring.scored import binned, calibration_of, fifty_bins


def world(rows, seed, shift=0.0):
    """Scores that are right: a row with the score s is a positive with the probability s."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(shift - 1, 1.5, rows)
    scores = 1 / (1 + np.exp(-logits))
    return scores, generator.random(rows) < scores


BY_SKLEARN = {
    "auc": metrics.roc_auc_score,
    "auc_precision_recall": metrics.average_precision_score,
    "binary_accuracy": lambda labels, scores: metrics.accuracy_score(labels, scores >= 0.5),
    "precision": lambda labels, scores: metrics.precision_score(labels, scores >= 0.5),
    "recall": lambda labels, scores: metrics.recall_score(labels, scores >= 0.5),
}


def width(figure):
    return figure.high - figure.low


@pytest.mark.parametrize("metric", BY_SKLEARN)
def test_a_metric_of_a_thousand_bins_is_sklearns(metric):
    scores, labels = world(20_000, seed=1)

    figure = measured(metric, *binned(scores, labels))

    assert figure.value == pytest.approx(BY_SKLEARN[metric](labels, scores), abs=0.001)


@pytest.mark.parametrize("metric", ["auc", "precision"])
def test_the_interval_holds_the_true_figure_19_times_of_20(metric):
    population_scores, population_labels = world(500_000, seed=2)
    truth = BY_SKLEARN[metric](population_labels, population_scores)

    samples = [binned(*world(1_000, seed)) for seed in range(40)]
    figures = [measured(metric, *sample) for sample in samples]

    held = [figure for figure in figures if figure.low <= truth <= figure.high]
    assert len(held) >= 35


def test_rows_of_one_score_are_in_order_by_chance():
    figure = measured("auc", [300, 0], [300, 0])
    assert figure.value == 0.5


def test_fewer_independent_rows_widen_the_interval():
    bins = binned(*world(5_000, seed=3))

    wide, narrow = measured("auc", *bins, effective=500), measured("auc", *bins)

    ratio = width(wide) / width(narrow)
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
    promised = calibration_of(*world(20_000, seed=6))
    scores, labels = world(20_000, seed=7)

    figure = expected(metric, fifty_bins(scores), promised)

    assert figure.value == pytest.approx(BY_SKLEARN[metric](labels, scores), abs=0.02)


@pytest.mark.parametrize("shift", [-1.0, 1.0])
def test_another_mix_of_requests_is_followed_without_labels(shift):
    promised = calibration_of(*world(20_000, seed=8))
    scores, labels = world(20_000, seed=9, shift=shift)

    figure = expected("auc", fifty_bins(scores), promised)

    truth = metrics.roc_auc_score(labels, scores)
    assert figure.low - 0.01 <= truth <= figure.high + 0.01
    assert figure.value == pytest.approx(truth, abs=0.02)


def test_the_expected_figure_is_blind_to_other_outcomes_of_the_same_requests():
    promised = calibration_of(*world(20_000, seed=10))
    scores, _ = world(20_000, seed=11)
    chance = np.random.default_rng(12).random(20_000) < 0.3

    figure = expected("auc", fifty_bins(scores), promised)

    truth = metrics.roc_auc_score(chance, scores)
    assert truth == pytest.approx(0.5, abs=0.02)
    assert figure.low > 0.7


def test_outcomes_as_promised_show_no_gap():
    promised = calibration_of(*world(20_000, seed=13))
    samples = [binned(*world(2_000, seed)) for seed in range(14, 54)]

    figures = [calibration.gap(*sample, promised) for sample in samples]

    shown = [figure for figure in figures if figure.low > 0]
    assert len(shown) <= 3


def test_the_gap_of_outcomes_is_that_of_the_world():
    promised = calibration_of(*world(50_000, seed=60))
    scores, labels = world(50_000, seed=61)
    rarer = labels & (np.random.default_rng(62).random(50_000) < 0.7)

    figure = calibration.gap(*binned(scores, rarer), promised)

    truth = np.sqrt(np.mean((0.3 * scores) ** 2))
    assert figure.low <= truth <= figure.high
    assert width(figure) < 0.02


def test_a_gap_needs_two_hundred_rows():
    promised = calibration_of(*world(20_000, seed=63))
    with pytest.raises(NoFigureError, match="needs 200"):
        calibration.gap(*binned(*world(LEAST_ROWS - 1, seed=64)), promised)
