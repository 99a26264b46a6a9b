"""What scores alone let expect, beside the truth: real rows, a trained model, other requests."""

from dataclasses import dataclass

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score

from pipeline.monitoring.quality.estimates import expected, measured
from tests.pipeline.monitoring.scored import binned, calibration_of, fifty_bins

ROWS = 30_000
TOLERATED = 0.02
FEATURES = {
    "taxi": ("fare", "trip_miles", "trip_seconds", "payment_type", "trip_start_hour"),
    "flights": ("hour", "minute", "month", "carrier", "origin", "distance", "dest"),
}
SHIFTED = {
    "taxi": [("payment_type", "Cash"), ("payment_type", "Credit Card")],
    "flights": [("origin", "EWR"), ("origin", "LGA"), ("carrier", "EV")],
}
CASES = [(name, *shift) for name, shifts in SHIFTED.items() for shift in shifts]


@dataclass(frozen=True)
class Asked:
    """A third of the rows calibrates, and a third is asked: its scores, outcomes and columns."""

    calibration: object
    scores: np.ndarray
    labels: np.ndarray
    rows: object


def asked(sample):
    order = np.random.default_rng(3).permutation(sample.rows.num_rows)[:ROWS]
    rows, labels = sample.rows.take(order), sample.labels[order]
    matrix = np.column_stack([numbers(rows[name]) for name in FEATURES[sample.name]])
    train, held_out, later = np.array_split(np.arange(len(order)), 3)
    model = HistGradientBoostingClassifier(max_iter=40, max_leaf_nodes=15, random_state=0)
    model.fit(matrix[train], labels[train])
    scores = model.predict_proba(matrix)[:, 1]
    calibration = calibration_of(scores[held_out], labels[held_out])
    return Asked(calibration, scores[later], labels[later], rows.take(later))


def numbers(column):
    """A column's numbers, or its values' places among the distinct ones."""
    array = column.combine_chunks()
    if array.type in ("string", "binary"):
        array = array.dictionary_encode().indices
    return array.to_numpy(zero_copy_only=False).astype(float)


@pytest.fixture(scope="module")
def asked_models(taxi, flights):
    return {sample.name: asked(sample) for sample in (taxi, flights)}


@pytest.mark.parametrize("name", FEATURES)
def test_without_outcomes_the_auc_is_as_expected(asked_models, name):
    model = asked_models[name]

    figure = expected("auc", fifty_bins(model.scores), model.calibration)

    truth = roc_auc_score(model.labels, model.scores)
    assert figure.value == pytest.approx(truth, abs=TOLERATED)


@pytest.mark.parametrize(("name", "column", "value"), CASES)
def test_twice_as_many_requests_of_a_kind_are_followed(asked_models, name, column, value):
    model = asked_models[name]
    is_of_kind = np.array(model.rows[column].to_pylist()) == value
    repeats = np.where(is_of_kind, 2, 1)
    scores, labels = np.repeat(model.scores, repeats), np.repeat(model.labels, repeats)

    figure = expected("auc", fifty_bins(scores), model.calibration)

    assert is_of_kind.any()
    assert figure.value == pytest.approx(roc_auc_score(labels, scores), abs=TOLERATED)


@pytest.mark.parametrize("name", FEATURES)
def test_a_thousand_bins_have_sklearn_s_auc(asked_models, name):
    model = asked_models[name]

    figure = measured("auc", *binned(model.scores, model.labels))

    truth = roc_auc_score(model.labels, model.scores)
    assert figure.value == pytest.approx(truth, abs=0.001)


@pytest.mark.parametrize("name", FEATURES)
def test_other_outcomes_of_the_same_requests_are_not_seen(asked_models, name):
    model = asked_models[name]
    outcomes = np.random.default_rng(4).permutation(model.labels)

    figure = expected("auc", fifty_bins(model.scores), model.calibration)

    truth = measured("auc", *binned(model.scores, outcomes))
    assert truth.high < figure.low - 0.1
