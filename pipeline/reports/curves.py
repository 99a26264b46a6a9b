"""The curves of a run's training, and its ROC, as numbers: curves.json in the run's folder.

A run that takes its model from the cache has the curves of the run that trained it.
"""

import json
import math
from collections.abc import Iterator
from typing import Any

import tensorflow as tf

from pipeline.reports.evaluation import by_name, evaluation_result
from pipeline.reports.run_metadata import RunMetadata

SERIES = ("train", "validation")
ROC, WHOLE = "roc", "all"
EPOCH = "epoch_"  # what Keras's TensorBoard callback names a metric with

Points = list[tuple[float, float | None]]  # x and y, None where y is no number
Curves = dict[str, dict[str, Points]]  # by metric, and by series


def compose(metadata: RunMetadata) -> Curves:
    """Each metric of the training by epoch, from 1 on, and `roc`; empty where nothing is told."""
    curves: Curves = {}
    run = metadata.files("Trainer", "model_run", *(f"{name}/events*" for name in SERIES))
    if run is not None:
        for name in SERIES:
            for metric, points in _epochs(f"{run.uri}/{name}"):
                curves.setdefault(metric, {})[name] = points
    plots = whole_plots(evaluation_result(metadata))
    if points := roc(plots.get("confusionMatrixAtThresholds", {}).get("matrices", [])):
        curves.setdefault(ROC, {})[WHOLE] = points
    return curves


def encode(curves: Curves) -> str:
    text = json.dumps(curves, allow_nan=False)
    return f"{text}\n"


def _epochs(folder: str) -> Iterator[tuple[str, Points]]:
    """Each metric of the events in a folder, with its value for each epoch."""
    from tensorboard.backend.event_processing import event_accumulator

    if not tf.io.gfile.glob(f"{folder}/events*"):
        return
    # By default ten epochs are kept, chosen at random.
    guidance = {event_accumulator.TENSORS: 0}
    events = event_accumulator.EventAccumulator(folder, size_guidance=guidance).Reload()
    for tag in events.Tags()[event_accumulator.TENSORS]:
        plugin = events.SummaryMetadata(tag).plugin_data.plugin_name
        is_metric = tag.startswith(EPOCH) and plugin == "scalars"
        if is_metric and "learning_rate" not in tag:
            yield tag.removeprefix(EPOCH), [_point(event) for event in events.Tensors(tag)]


def _point(event: Any) -> tuple[float, float | None]:
    """The epoch, which Keras counts from 0, and the value."""
    value = float(tf.make_ndarray(event.tensor_proto))
    return event.step + 1, value if math.isfinite(value) else None


def whole_plots(result: Any) -> dict[str, Any]:
    """TFMA's plots of the whole held-out split, by their names."""
    for key, outputs in result.plots if result else ():
        if not key:
            return by_name(outputs)
    return {}


def roc(matrices: list[dict[str, Any]]) -> Points:
    """The false positive rate and the recall of TFMA's matrices, where they change."""
    points: Points = []
    for matrix in matrices:
        # A rate of no row at all is the text NaN.
        false_positive_rate = float(matrix.get("falsePositiveRate", 0.0))
        recall = float(matrix.get("recall", 0.0))
        point = (false_positive_rate, recall)
        if all(map(math.isfinite, point)) and point not in points[-1:]:
            points.append(point)
    return points
