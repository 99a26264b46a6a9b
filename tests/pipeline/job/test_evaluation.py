"""The gate as TFMA reads it.

The whole split's bound holds for the whole split alone, and each slice has its own.
"""

import pytest

from pipeline.job.evaluation import eval_config
from pipeline.model.declaration import Gate, Slice

GATE = Gate(
    metric="auc",
    lower_bound=0.9,
    least_change=-0.01,
    slices=[Slice(feature="payment_type", value="Cash", lower_bound=0.6)],
)


@pytest.fixture
def config():
    """TFMA's configuration for a model with the signature `score` for its clients."""
    return eval_config(GATE, label="big_tip", signature="score")


@pytest.fixture
def metrics(config):
    """The metrics in TFMA's configuration."""
    return [metric for spec in config.metrics_specs for metric in spec.metrics]


@pytest.fixture
def auc(metrics):
    [metric] = [metric for metric in metrics if metric.class_name == "AUC"]
    return metric


def threshold(metric, feature_values):
    """The metric's threshold for the slice of these values."""
    for bounded in metric.per_slice_thresholds:
        [spec] = bounded.slicing_specs
        if spec.feature_values == feature_values:
            return bounded.threshold
    raise AssertionError(f"no threshold for {feature_values}")


def has_bound(metric):
    return bool(metric.per_slice_thresholds) or metric.HasField("threshold")


def test_the_whole_split_has_its_bound_and_the_change(auc):
    whole = threshold(auc, {})

    assert not auc.HasField("threshold")
    assert whole.value_threshold.lower_bound.value == 0.9
    assert whole.change_threshold.absolute.value == -0.01
    assert whole.change_threshold.direction == 2  # HIGHER_IS_BETTER


def test_a_slice_has_its_own_bound(auc):
    cash = threshold(auc, {"payment_type": "=Cash"})

    assert cash.value_threshold.lower_bound.value == 0.6


def test_the_metrics_that_are_only_reported_have_no_bound(metrics):
    bounded = [metric.class_name for metric in metrics if has_bound(metric)]

    assert bounded == ["AUC"]


def test_the_signature_that_clients_get_is_the_one_that_is_judged(config):
    [model] = config.model_specs

    assert model.signature_name == "score"
