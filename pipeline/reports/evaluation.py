"""What TFMA measured of the candidate and of the last blessed model, slice by slice."""

import functools
import math
from typing import Any

import tensorflow_model_analysis as tfma
from tfx.types import Artifact

from pipeline.model.slices import name as slice_name
from pipeline.model.slices import unmarked
from pipeline.reports.run_metadata import RunMetadata

WHOLE = "all"  # the slice that is no slice

Metrics = dict[str, float | None]  # None where it is no number: JSON has no word for NaN
Slices = dict[str, Metrics]


def evaluation_result(metadata: RunMetadata) -> Any:
    """TFMA's result for the candidate, or None."""
    evaluation = metadata.files("Evaluator", "evaluation")
    if evaluation is None:
        return None
    model_names = _model_names(evaluation)
    model_name = "candidate" if "candidate" in model_names else None
    return _load(evaluation.uri, model_name)


@functools.lru_cache(maxsize=4)  # summary and report ask for the same, which no one writes again
def _load(uri: str, model_name: str | None) -> Any:
    return tfma.load_eval_result(uri, model_name=model_name)


def _model_names(evaluation: Artifact) -> set[str]:
    """The models' names; TFMA gives a single model none."""
    result = _load(evaluation.uri, None)
    return {spec.name for spec in result.config.model_specs}


def candidate_metrics(metadata: RunMetadata) -> Slices:
    """Metric -> number for each slice."""
    result = evaluation_result(metadata)
    return _by_slice(result) if result else {}


def _by_slice(result: Any) -> Slices:
    slices: Slices = {}
    for key, outputs in result.slicing_metrics:
        slices[slice_of(key)] = _numbers(by_name(outputs))
    return slices


def slice_of(key: tuple[tuple[str, Any], ...]) -> str:
    """The slice's name by TFMA's key."""
    columns = [slice_name(column, unmarked(value)) for column, value in key]
    return ", ".join(columns) or WHOLE


def by_name(outputs: dict[str, Any]) -> dict[str, Any]:
    """A slice's metrics or plots, which TFMA nests by output and by subkey."""
    values: dict[str, Any] = {}
    for subkeys in outputs.values():
        for subkey_values in subkeys.values():
            values |= subkey_values
    return values


def _numbers(values: dict[str, Any]) -> Metrics:
    """The metrics that are one number each; TFMA gives NaN and infinities as texts."""
    numbers: Metrics = {}
    for metric, value in values.items():
        if "doubleValue" in value:
            number = float(value["doubleValue"])
            numbers[metric] = number if math.isfinite(number) else None
    return numbers


def baseline(metadata: RunMetadata, evaluation: Slices) -> dict[str, Any] | None:
    """The last blessed model on the same rows, None for the first model.

    The candidate itself is the baseline where it is the last blessed.
    """
    # Not from the Evaluator's inputs: metadata keeps one event per artifact, and the same model may
    # be both.
    last_model = metadata.artifact("LastBlessed", "model")
    candidate = metadata.artifact("Trainer", "model")
    if last_model is None or candidate is None:
        return None
    same_model = last_model.uri == candidate.uri
    slices = evaluation if same_model else _baseline_metrics(metadata)
    metrics = slices.get(WHOLE, {})
    return {"model": last_model.uri, "same_model": same_model, "metrics": metrics}


def _baseline_metrics(metadata: RunMetadata) -> Slices:
    evaluation = metadata.files("Evaluator", "evaluation")
    if evaluation is None or "baseline" not in _model_names(evaluation):
        return {}
    result = _load(evaluation.uri, "baseline")
    return _by_slice(result)
