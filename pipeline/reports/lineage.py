"""A model's lineage from its run's metadata: code, venv, data, hyperparameters and result."""

import importlib.metadata
import json
import math
import platform
import subprocess
from typing import Any

import tensorflow as tf
from tfx.types import Artifact
from tfx.utils import path_utils

from pipeline.reports.run_metadata import RunMetadata
from settings import REPOSITORY


def code() -> dict[str, Any]:
    """The commit, or "unknown" without a checkout or, as in an image, without git."""
    commit = _git("rev-parse", "HEAD") or "unknown"
    status = _git("status", "--porcelain")
    return {"commit": commit, "changed_files": status.splitlines()}


def _git(*arguments: str) -> str:
    """What git says of the repository; nothing where it fails."""
    command = ["git", "-C", str(REPOSITORY), *arguments]
    try:
        process = subprocess.run(command, capture_output=True, text=True)
    except FileNotFoundError:
        return ""
    if process.returncode != 0:
        return ""
    return process.stdout.strip()


def environment() -> dict[str, str]:
    lock_file = REPOSITORY / "Pipfile.lock"
    lock = json.loads(lock_file.read_text())
    versions = {name: importlib.metadata.version(name) for name in ("tfx", "tensorflow", "keras")}
    lock_sha256 = lock["_meta"]["hash"]["sha256"]
    python = platform.python_version()
    return {"python": python, "pipfile_lock_sha256": lock_sha256, **versions}


def data(examples: Artifact | None) -> dict[str, Any]:
    if examples is None:
        return {}
    properties = examples.mlmd_artifact.custom_properties
    values = {}
    for name in ("rows", "rows_dropped", "sha256", "digest", "tables", "query"):
        if name in properties:
            value = properties[name]
            kind = value.WhichOneof("value")
            values[name] = getattr(value, kind)
    return values


def model_type(model: Artifact | None) -> dict[str, Any]:
    if model is None or not tf.io.gfile.exists(model.uri):
        return {}
    path = path_utils.serving_model_path(model.uri)
    parameters = 0
    for name, shape in tf.train.list_variables(f"{path}/variables/variables"):
        if name.endswith("VARIABLE_VALUE") and "optimizer" not in name:
            parameters += math.prod(shape)
    return {"kind": "binary classifier", "parameters": parameters}


def hyperparameters(metadata: RunMetadata) -> dict[str, Any]:
    """The Trainer's hyperparameters: imported, or a Tuner's best."""
    artifact = metadata.artifact("Hyperparameters", "result")
    artifact = artifact or metadata.artifact("Tuner", "best_hyperparameters")
    if artifact is None:
        return {}
    files = tf.io.gfile.glob(f"{artifact.uri}/*")
    if not files:
        return {}
    file, *_ = files
    text = tf.io.gfile.GFile(file).read()
    values = json.loads(text)
    return dict(values.get("values", values))
