"""A scratch checkout with one model, and a clone's usual neighbours."""

import shutil

import pytest

from pipeline.model.folder import ModelFolder
from tests.pipeline.delivery.conftest import Repository
from tests.team import MODELS

FILES = {
    ".gitignore": "runs/\n*.secret\n",
    "Pipfile.lock": "{}\n",
    "README.md": "words\n",
    "pipeline/cli/run.py": "RUN = 1\n",
    "pipeline/job/dag.py": "DAG = 1\n",
}


@pytest.fixture
def repository(tmp_path):
    repository = Repository(tmp_path / "repository")
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(MODELS / "cab", repository.path / "models/cab", ignore=ignored)
    repository.commit(FILES)
    return repository


@pytest.fixture
def model(repository):
    return ModelFolder(repository.path / "models/cab")


@pytest.fixture
def summary():
    files = {"Pipfile.lock": "b" * 64, "models/cab/model.py": "7" * 64}
    code = {
        "commit": "c" * 40,
        "repository": "https://github.com/mill/loom",
        "tree": "e" * 40,
        "kept": None,
        "changed_files": [],
        "untracked_files": [],
        "files": files,
    }
    environment = {
        "python": "3.13.5",
        "pipfile_lock_sha256": "f" * 64,
        "packages": {"tfx": "1.21.0"},
        "image": None,
        "beam_runner": "FnApiRunner",
    }
    training = {
        "run": "20260102-000000-cab-111111",
        "digest": "a" * 64,
        "seed": 7,
        "deterministic_operations": True,
        "cpu": "a processor",
        "cpus": 2,
        "threads": {"intra_op": 0, "inter_op": 0},
        "flags": {"PYTHONHASHSEED": "0"},
    }
    data = {"rows": 1500, "rows_dropped": 3, "sha256": "3" * 64, "digest": "d" * 64}
    records = {
        "code": code,
        "environment": environment,
        "data": data,
        "hyperparameters": {"units": 8},
        "training": training,
        "parameters": {"until": None, "tune": False},
    }
    return {
        "run": "20260102-000000-cab-111111",
        "model": "cab",
        "started": "2026-01-02T01:00:00+01:00",
        "seconds": 61.5,
        "metrics": {"auc": 0.8125},
        "decision": {"blessed": True},
        "records": records,
    }
