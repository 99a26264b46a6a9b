"""The bar a model must clear, as TFMA's configuration.

It holds the gated metrics, and those that the report draws.
"""

from tensorflow_model_analysis.proto import config_pb2

from pipeline.model import slices
from pipeline.model.declaration import Gate, Slice

CLASS_NAMES = {
    "auc": "AUC",
    "auc_precision_recall": "AUCPrecisionRecall",
    "binary_accuracy": "BinaryAccuracy",
    "precision": "Precision",
    "recall": "Recall",
}
PLOTS = ("ConfusionMatrixPlot", "CalibrationPlot")


def eval_config(gate: Gate, *, label: str, signature: str) -> config_pb2.EvalConfig:
    """The gate on the whole held-out split, and each slice's own bound.

    The other metrics have no bound. `signature` is the one that clients get by default.
    """
    model = config_pb2.ModelSpec(
        signature_name=signature,
        label_key=label,
        preprocessing_function_names=["transform_features"],
    )
    reported_names = [name for key, name in CLASS_NAMES.items() if key != gate.metric]
    reported_metrics = [_metric(name) for name in (*reported_names, *PLOTS)]
    metrics = config_pb2.MetricsSpec(metrics=[_gated(gate), *reported_metrics])
    # Weighted, since an element holds many rows, each of weight 1.
    row_count = config_pb2.MetricsSpec(
        metrics=[_metric("ExampleCount")],
        example_weights=config_pb2.ExampleWeightOptions(weighted=True),
    )
    whole = config_pb2.SlicingSpec()
    parts = [_slicing(part) for part in gate.slices]
    return config_pb2.EvalConfig(
        model_specs=[model],
        slicing_specs=[whole, *parts],
        metrics_specs=[metrics, row_count],
    )


def _metric(class_name: str) -> config_pb2.MetricConfig:
    return config_pb2.MetricConfig(class_name=class_name)


def _gated(gate: Gate) -> config_pb2.MetricConfig:
    """Bounds a slice each, the whole split among them.

    TFMA's plain `threshold` would hold for every slice alike.
    """
    change_threshold = config_pb2.GenericChangeThreshold(
        direction=config_pb2.MetricDirection.HIGHER_IS_BETTER,
        absolute={"value": gate.least_change},
    )
    whole_threshold = config_pb2.MetricThreshold(
        value_threshold=_at_least(gate.lower_bound), change_threshold=change_threshold
    )
    whole = config_pb2.SlicingSpec()
    bounds = [_bound(whole, whole_threshold)]
    for part in gate.slices:
        threshold = config_pb2.MetricThreshold(value_threshold=_at_least(part.lower_bound))
        slicing = _slicing(part)
        bounds.append(_bound(slicing, threshold))
    class_name = CLASS_NAMES[gate.metric]
    return config_pb2.MetricConfig(class_name=class_name, per_slice_thresholds=bounds)


def _bound(
    slicing: config_pb2.SlicingSpec, threshold: config_pb2.MetricThreshold
) -> config_pb2.PerSliceMetricThreshold:
    return config_pb2.PerSliceMetricThreshold(slicing_specs=[slicing], threshold=threshold)


def _at_least(bound: float) -> config_pb2.GenericValueThreshold:
    return config_pb2.GenericValueThreshold(lower_bound={"value": bound})


def _slicing(part: Slice) -> config_pb2.SlicingSpec:
    return config_pb2.SlicingSpec(feature_values={part.feature: slices.marked(part.value)})
