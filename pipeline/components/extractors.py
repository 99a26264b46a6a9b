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
from pipeline.model import slices

Extracts = dict[str, Any]  # TFMA's name for what it knows of a batch or of a row


def custom_extractors(
    eval_shared_model: Any, eval_config: config_pb2.EvalConfig, tensor_adapter_config: Any
) -> list[Any]:
    """TFX's hook: the default extractors, with another one for slices.

    The replaced extractor takes a batch apart into its rows.
    """
    extractors = tfma.default_extractors(
        eval_shared_model=eval_shared_model,
        eval_config=eval_config,
        tensor_adapter_config=tensor_adapter_config,
    )
    slice_columns: set[str] = set()
    for spec in eval_config.slicing_specs:
        slice_columns.update(spec.feature_keys, spec.feature_values)
    group = beam.FlatMap(by_slice, sliced=slice_columns)
    group_by_slices = tfma.extractors.Extractor(
        stage_name="GroupBySlices", ptransform="GroupBySlices" >> group
    )
    stages = [extractor.stage_name for extractor in extractors]
    place = next(i for i, stage in enumerate(stages) if "nbatch" in stage)
    return [*extractors[:place], group_by_slices, *extractors[place + 1 :]]


def by_slice(batch: Extracts, sliced: set[str]) -> list[Extracts]:
    """Group a batch's rows: one element for each combination of the slices' values.

    TFMA's binary metrics take an element's labels and predictions one by one, but spend a tenth of
    a millisecond on each element. Each row weighs one, which is how they are counted. Columns that
    no slice reads are left out.
    """
    labels = _numbers(batch[tfma.LABELS_KEY], "the label")
    scores = _numbers(batch[tfma.PREDICTIONS_KEY], "the model's answer")
    features = _features(batch, sliced)
    if not features:
        first_labels, *_ = tf.nest.flatten(labels)
        features = [{}] * len(first_labels)
    elements = []
    for rows in _groups(features):
        first_row, *_ = rows
        weights = np.ones(len(rows), np.float32)
        element = {
            tfma.FEATURES_KEY: _marked(features[first_row]),
            tfma.LABELS_KEY: _picked(labels, rows),
            tfma.PREDICTIONS_KEY: _picked(scores, rows),
            tfma.EXAMPLE_WEIGHTS_KEY: weights,
        }
        elements.append(element)
    return elements


def _features(batch: Extracts, sliced: set[str]) -> list[Extracts]:
    """The values of the slices' columns, row by row; empty where no column is sliced."""
    columns = batch[tfma.FEATURES_KEY]
    sliced_columns = {name: columns[name] for name in columns if name in sliced}
    extracts = util.split_extracts({tfma.FEATURES_KEY: sliced_columns})
    return [extract[tfma.FEATURES_KEY] for extract in extracts]


def _marked(features: Extracts) -> Extracts:
    """The values as the slices of evaluation.py have them."""
    return {name: _marked_array(values) for name, values in features.items()}


def _marked_array(values: Any) -> Any:
    scalars = np.ravel(values).tolist()
    texts = [_marked_bytes(scalar) for scalar in scalars]
    return np.array(texts, dtype=object)


def _marked_bytes(value: Any) -> bytes:
    if isinstance(value, bytes):
        return slices.MARK.encode() + value  # which need not be UTF-8
    return slices.marked(value).encode()


def _groups(features: list[Extracts]) -> list[list[int]]:
    """The numbers of the rows that have the same values."""
    groups: dict[Any, list[int]] = defaultdict(list)
    for row, values in enumerate(features):
        key = _key(values)
        groups[key].append(row)
    return list(groups.values())


def _key(values: Extracts) -> tuple[Any, ...]:
    items = []
    for name, value in values.items():
        scalars = np.ravel(value).tolist()
        items.append((name, tuple(scalars)))
    return tuple(items)


def _numbers(nest: Any, what: str) -> Any:
    """The nest with one number for each row in each of its arrays.

    TFMA nests arrays by model where there are two, and by output where there are several.
    """
    check = functools.partial(_check_numbers, what=what)
    return tf.nest.map_structure(check, nest)


def _check_numbers(values: Any, what: str) -> Any:
    """One number for each row, in an array."""
    if not _has_one_number_a_row(values):
        raise RunError(f"{what} is not one number for each held-out row, allowed is one")
    finite = np.isfinite(values)
    if not finite.all():  # TFMA's own words for it name a histogram
        value, *_ = values[~finite]
        raise RunError(f"{what} is {value} for held-out rows, allowed are finite numbers")
    return values.reshape(-1)


def _has_one_number_a_row(values: Any) -> bool:
    if not isinstance(values, np.ndarray):
        return False
    if values.dtype.kind not in "biuf":
        return False
    return bool(values.size == len(values))


def _picked(nest: Any, rows: list[int]) -> Any:
    """The nest with these rows of each of its arrays."""

    def pick(array: Any) -> Any:
        return array[rows]

    return tf.nest.map_structure(pick, nest)
