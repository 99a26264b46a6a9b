"""Extracts each row's values for the Evaluator.

It is a module of its own, since TFX loads it again whenever it evaluates.
"""

import functools
from collections import defaultdict
from typing import Any

import apache_beam as beam
import numpy as np
import tensorflow as tf
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.proto import config_pb2
from tensorflow_model_analysis.utils import util

from pipeline.errors import RunError


def custom_extractors(
    eval_shared_model: Any, eval_config: config_pb2.EvalConfig, tensor_adapter_config: Any
) -> list[Any]:
    """TFX's hook: the default extractors, with another one for slices.

    It replaces the one that takes a batch apart into its rows.
    """
    extractors = tfma.default_extractors(
        eval_shared_model=eval_shared_model,
        eval_config=eval_config,
        tensor_adapter_config=tensor_adapter_config,
    )
    slice_columns = {
        key
        for spec in eval_config.slicing_specs
        for key in (*spec.feature_keys, *spec.feature_values)
    }
    place = next(i for i, e in enumerate(extractors) if "nbatch" in e.stage_name)
    by_slices = tfma.extractors.Extractor(
        stage_name="GroupBySlices",
        ptransform="GroupBySlices" >> beam.FlatMap(by_slice, sliced=slice_columns),
    )
    return [*extractors[:place], by_slices, *extractors[place + 1 :]]


def by_slice(batch: dict[str, Any], sliced: set[str]) -> list[dict[str, Any]]:
    """Group a batch's rows: one element for each combination of the slices' values.

    TFMA's binary metrics take an element's labels and predictions one by one, but spend a tenth of
    a millisecond on each element. Each row weighs one, which is how they are counted. Columns that
    no slice reads are left out.
    """
    # TFMA nests arrays by model where there are two, and by output where there are several
    labels = tf.nest.map_structure(
        functools.partial(_numbers, what="the label"), batch[tfma.LABELS_KEY]
    )
    scores = tf.nest.map_structure(
        functools.partial(_numbers, what="the model's answer"), batch[tfma.PREDICTIONS_KEY]
    )
    columns = {name: value for name, value in batch[tfma.FEATURES_KEY].items() if name in sliced}
    extracts = util.split_extracts({tfma.FEATURES_KEY: columns})
    features = [extract[tfma.FEATURES_KEY] for extract in extracts]
    if not features:
        features = [{}] * len(tf.nest.flatten(labels)[0])
    groups: dict[Any, list[int]] = defaultdict(list)
    for row, values in enumerate(features):
        key = tuple((name, tuple(np.ravel(value).tolist())) for name, value in values.items())
        groups[key].append(row)
    return [
        {
            tfma.FEATURES_KEY: features[rows[0]],
            tfma.LABELS_KEY: _picked(labels, rows),
            tfma.PREDICTIONS_KEY: _picked(scores, rows),
            tfma.EXAMPLE_WEIGHTS_KEY: np.ones(len(rows), np.float32),
        }
        for rows in groups.values()
    ]


def _numbers(values: Any, what: str) -> Any:
    """One number a row, in an array."""
    if (
        not isinstance(values, np.ndarray)
        or values.dtype.kind not in "biuf"
        or values.size != len(values)
    ):
        raise RunError(f"{what} is not one number for each held-out row, allowed is one")
    if not np.isfinite(values).all():  # TFMA's own words for it name a histogram
        value = values[~np.isfinite(values)][0]
        raise RunError(f"{what} is {value} for held-out rows, allowed are finite numbers")
    return values.reshape(-1)


def _picked(values: Any, rows: list[int]) -> Any:
    return tf.nest.map_structure(lambda array: array[rows], values)
