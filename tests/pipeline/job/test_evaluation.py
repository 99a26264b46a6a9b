"""The gate as TFMA reads it.

The whole split's bound holds for the whole split alone, and each slice has its own.
"""

from pipeline.job.evaluation import eval_config
from pipeline.model.declaration import Gate, Slice

GATE = Gate(
    metric="auc",
    lower_bound=0.9,
    least_change=-0.01,
    slices=[Slice(feature="payment_type", value="Cash", lower_bound=0.6)],
)


def gated_metric():
    config = eval_config(GATE, label="big_tip")
    metrics, _ = config.metrics_specs
    [gated] = [metric for metric in metrics.metrics if metric.per_slice_thresholds]
    return gated


def thresholds():
    """The gated metric's threshold by its slice."""
    by_slice = {}
    for bound in gated_metric().per_slice_thresholds:
        [slicing] = bound.slicing_specs
        name = str(slicing.feature_values)
        by_slice[name] = bound.threshold
    return by_slice


def test_the_whole_split_has_its_bound_and_the_change():
    gated = gated_metric()
    whole = thresholds()["{}"]

    assert gated.class_name == "AUC"
    assert not gated.HasField("threshold")
    assert whole.value_threshold.lower_bound.value == 0.9
    assert whole.change_threshold.absolute.value == -0.01
    assert whole.change_threshold.direction == 2  # HIGHER_IS_BETTER


def test_a_slice_has_its_own_bound():
    cash = thresholds()["{'payment_type': 'Cash'}"]

    assert cash.value_threshold.lower_bound.value == 0.6


def test_the_metrics_that_are_only_reported_have_no_bound():
    config = eval_config(GATE, label="big_tip")

    bounded_names = []
    for spec in config.metrics_specs:
        for metric in spec.metrics:
            if metric.per_slice_thresholds or metric.HasField("threshold"):
                bounded_names.append(metric.class_name)
    assert bounded_names == ["AUC"]
