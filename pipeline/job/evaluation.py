"""The bar a model must clear, as TFMA's configuration.

It holds the gated metrics, and those that the report draws.
"""

from tensorflow_model_analysis.proto import config_pb2

from pipeline.model.declaration import Gate

CLASS_NAMES = {
    "auc": "AUC",
    "auc_precision_recall": "AUCPrecisionRecall",
    "binary_accuracy": "BinaryAccuracy",
    "precision": "Precision",
    "recall": "Recall",
}
PLOTS = ("ConfusionMatrixPlot", "CalibrationPlot")


def eval_config(gate: Gate, *, label: str) -> config_pb2.EvalConfig:
    """The gate on the whole held-out split, and each slice's own bound.

    The other metrics have no bound.
    """
    metrics = [
        config_pb2.MetricConfig(class_name=name)
        for key, name in CLASS_NAMES.items()
        if key != gate.metric
    ]
    metrics += [config_pb2.MetricConfig(class_name=name) for name in PLOTS]
    # Weighted, since an element holds many rows, each of weight 1.
    row_count = config_pb2.MetricsSpec(
        metrics=[config_pb2.MetricConfig(class_name="ExampleCount")],
        example_weights=config_pb2.ExampleWeightOptions(weighted=True),
    )
    return config_pb2.EvalConfig(
        model_specs=[
            config_pb2.ModelSpec(
                signature_name="serving_default",
                label_key=label,
                preprocessing_function_names=["transform_features"],
            )
        ],
        slicing_specs=[
            config_pb2.SlicingSpec(),
            *(_slicing(s.feature, s.value) for s in gate.slices),
        ],
        metrics_specs=[config_pb2.MetricsSpec(metrics=[_gated(gate), *metrics]), row_count],
    )


def _gated(gate: Gate) -> config_pb2.MetricConfig:
    """Bounds a slice each, the whole split among them.

    TFMA's plain `threshold` would hold for every slice alike.
    """
    whole_threshold = config_pb2.MetricThreshold(
        value_threshold=_at_least(gate.lower_bound),
        change_threshold=config_pb2.GenericChangeThreshold(
            direction=config_pb2.MetricDirection.HIGHER_IS_BETTER,
            absolute={"value": gate.least_change},
        ),
    )
    bounds = [(config_pb2.SlicingSpec(), whole_threshold)]
    bounds += [
        (
            _slicing(s.feature, s.value),
            config_pb2.MetricThreshold(value_threshold=_at_least(s.lower_bound)),
        )
        for s in gate.slices
    ]
    return config_pb2.MetricConfig(
        class_name=CLASS_NAMES[gate.metric],
        per_slice_thresholds=[
            config_pb2.PerSliceMetricThreshold(slicing_specs=[part], threshold=bound)
            for part, bound in bounds
        ],
    )


def _at_least(bound: float) -> config_pb2.GenericValueThreshold:
    return config_pb2.GenericValueThreshold(lower_bound={"value": bound})


def _slicing(feature: str, value: object) -> config_pb2.SlicingSpec:
    return config_pb2.SlicingSpec(feature_values={feature: str(value)})
