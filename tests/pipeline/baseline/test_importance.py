"""A column is as important as the gate's metric that a model loses without it."""

import numpy as np
import pytest

from pipeline.baseline import importance

LABELS = np.tile([0.0, 1.0], 5000)
NOISE = np.random.default_rng(7).random(LABELS.size)
SCORES = {
    None: 0.6 * LABELS + 0.4 * NOISE,
    "unread": 0.6 * LABELS + 0.4 * NOISE,
    "all": NOISE,
}


@pytest.mark.parametrize("metric", ["auc", "auc_precision_recall", "binary_accuracy", "precision"])
def test_a_column_that_decides_costs_all_and_one_that_is_not_read_nothing(metric):
    importances = importance.importances(["unread", "all"], metric, LABELS, SCORES.__getitem__)

    assert importances["unread"] == 0
    assert importances["all"] == pytest.approx(0.5, abs=0.03)


def test_recall_falls_where_the_scores_sink_below_a_half():
    scores = {None: LABELS, "all": LABELS / 4}

    importances = importance.importances(["all"], "recall", LABELS, scores.__getitem__)

    assert importances == {"all": 1.0}


def test_a_score_of_a_half_means_the_class_0_as_the_evaluator_has_it():
    scores = np.where(LABELS == 1, 0.5, 0.0)

    assert importance.metric_value("binary_accuracy", LABELS, scores) == 0.5


def test_a_model_that_never_says_yes_has_no_precision():
    assert importance.metric_value("precision", LABELS, np.zeros(LABELS.size)) == 0


def test_rows_of_one_class_make_nothing_important():
    ones = np.ones(LABELS.size)

    importances = importance.importances(["all"], "auc", ones, SCORES.__getitem__)

    assert importances == {}


def test_ten_thousand_rows_are_asked_about_at_most_and_always_the_same_ones():
    first = importance.sample(50_000)
    second = importance.sample(50_000)

    assert first.size == 10_000
    assert np.unique(first).size == 10_000
    assert (first == second).all()
    assert importance.sample(7).tolist() == list(range(7))


def test_the_other_order_holds_each_row_once():
    order = importance.permutation(1000)

    assert sorted(order.tolist()) == list(range(1000))
    assert (order != np.arange(1000)).mean() > 0.9
