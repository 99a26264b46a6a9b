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


def thresholds():
    [gated] = [
        m
        for m in eval_config(GATE, label="big_tip").metrics_specs[0].metrics
        if m.per_slice_thresholds
    ]
    return {
        str(t.slicing_specs[0].feature_values): t.threshold for t in gated.per_slice_thresholds
    }, gated


def test_the_whole_split_has_its_bound_and_the_change():
    by_slice, gated = thresholds()

    whole = by_slice["{}"]
    assert gated.class_name == "AUC" and not gated.HasField("threshold")
    assert whole.value_threshold.lower_bound.value == 0.9
    assert whole.change_threshold.absolute.value == -0.01
    assert whole.change_threshold.direction == 2  # HIGHER_IS_BETTER


def test_a_slice_has_its_own_bound():
    by_slice, _ = thresholds()

    assert by_slice["{'payment_type': 'Cash'}"].value_threshold.lower_bound.value == 0.6


def test_the_metrics_that_are_only_reported_have_no_bound():
    metrics = [m for spec in eval_config(GATE, label="big_tip").metrics_specs for m in spec.metrics]

    assert [m.class_name for m in metrics if m.per_slice_thresholds or m.HasField("threshold")] == [
        "AUC"
    ]
