"""The lineage of a model, as its run's record keeps it.

It is the code, environment, data and hyperparameters that the run used, and what came of them.
"""

import importlib.metadata
import json
import math
import platform
import subprocess
from typing import Any

import tensorflow as tf
from tfx.types import Artifact
from tfx.utils import path_utils

from pipeline.reports.run_record import RunRecord
from settings import REPOSITORY


def code() -> dict[str, Any]:
    """The commit, or "unknown" without a checkout or, as in an image, without git."""

    def git(*arguments: str) -> str:
        try:
            process = subprocess.run(
                ["git", "-C", str(REPOSITORY), *arguments], capture_output=True, text=True
            )
        except FileNotFoundError:
            return ""
        return process.stdout.strip() if process.returncode == 0 else ""

    return {
        "commit": git("rev-parse", "HEAD") or "unknown",
        "changed_files": git("status", "--porcelain").splitlines(),
    }


def environment() -> dict[str, str]:
    lock = json.loads((REPOSITORY / "Pipfile.lock").read_text())
    versions = {name: importlib.metadata.version(name) for name in ("tfx", "tensorflow", "keras")}
    return {
        "python": platform.python_version(),
        "pipfile_lock_sha256": lock["_meta"]["hash"]["sha256"],
        **versions,
    }


def data(examples: Artifact | None) -> dict[str, Any]:
    if examples is None:
        return {}
    properties = examples.mlmd_artifact.custom_properties
    return {
        k: getattr(properties[k], properties[k].WhichOneof("value"))
        for k in ("rows", "rows_dropped", "sha256", "query")
        if k in properties
    }


def model_type(model: Artifact | None) -> dict[str, Any]:
    if model is None or not tf.io.gfile.exists(model.uri):
        return {}
    path = path_utils.serving_model_path(model.uri)
    shapes = [
        shape
        for name, shape in tf.train.list_variables(f"{path}/variables/variables")
        if name.endswith("VARIABLE_VALUE") and "optimizer" not in name
    ]
    return {"kind": "binary classifier", "parameters": sum(math.prod(shape) for shape in shapes)}


def hyperparameters(record: RunRecord) -> dict[str, Any]:
    """The Trainer's hyperparameters: imported, or a Tuner's best."""
    artifact = record.artifact("Hyperparameters", "result") or record.artifact(
        "Tuner", "best_hyperparameters"
    )
    files = tf.io.gfile.glob(f"{artifact.uri}/*") if artifact else []
    values = json.loads(tf.io.gfile.GFile(files[0]).read()) if files else {}
    return dict(values.get("values", values))
