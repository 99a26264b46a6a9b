"""What the Evaluator reads of each row. A module of its own, since TFX loads it anew whenever it evaluates."""

from collections import defaultdict
from typing import Any

import apache_beam as beam
import numpy as np
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.proto import config_pb2
from tensorflow_model_analysis.utils import util

from pipeline.errors import RunError


def custom_extractors(eval_shared_model: Any, eval_config: config_pb2.EvalConfig, tensor_adapter_config: Any) -> list[Any]:
    """TFX's hook: the default extractors, but for the one that takes a batch apart into its rows."""
    extractors = tfma.default_extractors(
        eval_shared_model=eval_shared_model, eval_config=eval_config, tensor_adapter_config=tensor_adapter_config
    )
    sliced = {key for spec in eval_config.slicing_specs for key in (*spec.feature_keys, *spec.feature_values)}
    place = next(i for i, e in enumerate(extractors) if "nbatch" in e.stage_name)
    by_slices = tfma.extractors.Extractor(stage_name="GroupBySlices", ptransform="GroupBySlices" >> beam.FlatMap(by_slice, sliced=sliced))
    return [*extractors[:place], by_slices, *extractors[place + 1 :]]


def by_slice(batch: dict[str, Any], sliced: set[str]) -> list[dict[str, Any]]:
    """A batch's rows as one element for each combination of values that slices are made of.

    TFMA's binary metrics take an element's labels and predictions one by one, but spend a tenth of a millisecond on each element. Each row weighs
    one, which is how they are counted. Columns that no slice reads are left out.
    """
    columns = {name: value for name, value in batch[tfma.FEATURES_KEY].items() if name in sliced}
    features = [row[tfma.FEATURES_KEY] for row in util.split_extracts({tfma.FEATURES_KEY: columns})] if columns else []
    labels = _column(batch[tfma.LABELS_KEY])
    groups: dict[Any, list[int]] = defaultdict(list)
    for row in range(_length(labels)):
        groups[tuple((name, tuple(np.ravel(value).tolist())) for name, value in features[row].items()) if features else ()].append(row)
    scores = _column(batch[tfma.PREDICTIONS_KEY])
    return [
        {
            tfma.LABELS_KEY: _picked(labels, rows),
            tfma.PREDICTIONS_KEY: _picked(scores, rows),
            tfma.EXAMPLE_WEIGHTS_KEY: np.ones(len(rows), np.float32),
            **({tfma.FEATURES_KEY: features[rows[0]]} if features else {}),
        }
        for rows in groups.values()
    ]


def _column(values: Any) -> Any:
    """A number a row, in an array; TFMA nests arrays by model and output where there are several."""
    if isinstance(values, dict):
        return {key: _column(inner) for key, inner in values.items()}
    array = np.asarray(values)
    if array.size != len(array):
        raise RunError(f"the model answers {array.size // len(array)} numbers to a held-out row, allowed is one")
    if not np.isfinite(array).all():  # TFMA's own words for it name a histogram
        raise RunError(f"the model answers {array[~np.isfinite(array)][0]} to held-out rows, allowed are finite numbers")
    return array.reshape(-1)


def _length(values: Any) -> int:
    return _length(next(iter(values.values()))) if isinstance(values, dict) else len(values)


def _picked(values: Any, rows: list[int]) -> Any:
    return {key: _picked(inner, rows) for key, inner in values.items()} if isinstance(values, dict) else values[rows]
