"""The bar a model must clear, as TFMA's configuration: gated metrics, and what the report draws."""

import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.proto import config_pb2

from pipeline.declaration import Gate

CLASS_NAMES = {
    "auc": "AUC",
    "auc_precision_recall": "AUCPrecisionRecall",
    "binary_accuracy": "BinaryAccuracy",
    "precision": "Precision",
    "recall": "Recall",
}
REPORTED = ("BinaryCrossEntropy", "Calibration", "ExampleCount")
PLOTS = ("ConfusionMatrixPlot", "CalibrationPlot")


def eval_config(gate: Gate, *, label: str) -> tfma.EvalConfig:
    """The gate on the whole held-out split, each slice's own bound, and the other metrics without a bound."""
    metrics = [tfma.MetricConfig(class_name=name) for key, name in CLASS_NAMES.items() if key != gate.metric]
    metrics += [tfma.MetricConfig(class_name=name) for name in (*REPORTED, *PLOTS)]
    return tfma.EvalConfig(
        model_specs=[
            tfma.ModelSpec(signature_name="serving_default", label_key=label, preprocessing_function_names=["transform_features"])
        ],
        slicing_specs=[tfma.SlicingSpec(), *(_slicing(s.feature, s.value) for s in gate.slices)],
        metrics_specs=[tfma.MetricsSpec(metrics=[_gated(gate), *metrics])],
    )


def _gated(gate: Gate) -> tfma.MetricConfig:
    """Bounds a slice each, the whole split among them: TFMA's plain `threshold` would hold for every slice alike."""
    whole = tfma.MetricThreshold(
        value_threshold=_at_least(gate.lower_bound),
        change_threshold=tfma.GenericChangeThreshold(
            direction=tfma.MetricDirection.HIGHER_IS_BETTER, absolute={"value": gate.least_change}
        ),
    )
    bounds = [(tfma.SlicingSpec(), whole)]
    bounds += [(_slicing(s.feature, s.value), tfma.MetricThreshold(value_threshold=_at_least(s.lower_bound))) for s in gate.slices]
    return tfma.MetricConfig(
        class_name=CLASS_NAMES[gate.metric],
        per_slice_thresholds=[config_pb2.PerSliceMetricThreshold(slicing_specs=[part], threshold=bound) for part, bound in bounds],
    )


def _at_least(bound: float) -> tfma.GenericValueThreshold:
    return tfma.GenericValueThreshold(lower_bound={"value": bound})


def _slicing(feature: str, value: object) -> tfma.SlicingSpec:
    return tfma.SlicingSpec(feature_values={feature: str(value)})
