"""A run's records: code, venv, data, hyperparameters and result, from its metadata."""

import json
import math
from dataclasses import asdict
from typing import Any

import tensorflow as tf
from tfx.types import Artifact
from tfx.utils import path_utils

from pipeline.components import data_window
from pipeline.provenance.facts import Training
from pipeline.reports.run_metadata import RunMetadata


def data(examples: Artifact | None) -> dict[str, Any]:
    if examples is None:
        return {}
    values = {}
    for name in ("rows", "rows_dropped", "sha256", "digest", "tables", "query"):
        value = data_window.value_of(examples, name)
        if value is not None:
            values[name] = value
    if window := data_window.read(examples):
        values["window"] = window
    return values


def model_type(metadata: RunMetadata) -> dict[str, Any]:
    model = metadata.files("Trainer", "model", "*/variables/variables.index")
    if model is None:
        return {}
    path = path_utils.serving_model_path(model.uri)
    parameters = 0
    for name, shape in tf.train.list_variables(f"{path}/variables/variables"):
        if name.endswith("VARIABLE_VALUE") and "optimizer" not in name:
            parameters += math.prod(shape)
    return {"kind": "binary classifier", "parameters": parameters}


def training(metadata: RunMetadata) -> dict[str, Any] | None:
    """What trained the model, as facts.Training has it; None for a model from before."""
    model = metadata.artifact("Trainer", "model")
    if model is None or not model.has_custom_property("training"):
        return None
    noted: dict[str, Any] = json.loads(data_window.value_of(model, "training"))
    facts = Training(digest=data_window.value_of(model, "digest"), **noted)
    return asdict(facts)


def hyperparameters(metadata: RunMetadata) -> dict[str, Any]:
    """The Trainer's hyperparameters: imported, or a Tuner's best."""
    artifact = metadata.files("Hyperparameters", "result")
    artifact = artifact or metadata.files("Tuner", "best_hyperparameters")
    if artifact is None:
        return {}
    files = tf.io.gfile.glob(f"{artifact.uri}/*")
    if not files:
        return {}
    file, *_ = files
    text = tf.io.gfile.GFile(file).read()
    values = json.loads(text)
    return dict(values.get("values", values))
