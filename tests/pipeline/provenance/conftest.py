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
