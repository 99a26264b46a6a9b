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


def here() -> dict[str, Any]:
    """The code and the environment of this process."""
    return {"code": code(), "environment": environment()}


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
    values = {}
    for name in ("rows", "rows_dropped", "sha256", "digest", "tables", "query"):
        if examples.has_custom_property(name):
            values[name] = _property(examples, name)
    return values


def _property(artifact: Artifact, name: str) -> Any:
    """A custom property, whichever store it is from: JSON knows no integers."""
    value = artifact.get_json_value_custom_property(name)
    if value is None:
        return artifact.get_custom_property(name)
    is_whole = isinstance(value, float) and value.is_integer()
    return int(value) if is_whole else value


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
