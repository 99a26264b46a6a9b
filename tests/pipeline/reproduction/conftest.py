"""A scratch checkout of this repository with the tests' model, its rows not in git."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from settings import REPOSITORY
from tests.pipeline.delivery.conftest import Repository
from tests.team import MODELS

VENVS = Path(sys.prefix).parent


@dataclass
class Scratch:
    repository: Repository

    @property
    def path(self) -> Path:
        return self.repository.path

    @property
    def runs(self) -> Path:
        return self.path / "runs"

    @property
    def environment(self) -> dict[str, str]:
        temporary = self.path.parent / "temporary"
        temporary.mkdir(exist_ok=True)
        others = {"PYTHONPATH": str(self.path), "ESTEIRA_ENVIRONMENT": "pipeline"}
        return {**os.environ, **others, "TMPDIR": str(temporary)}

    def start(self, *arguments: str, **variables: str) -> "subprocess.Popen[str]":
        command = [sys.executable, "-m", "pipeline", *arguments]
        return subprocess.Popen(
            command,
            cwd=self.path,
            env=self.environment | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def call(self, *arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
        process = self.start(*arguments, **variables)
        out, err = process.communicate()
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def train(self, **variables: str) -> dict[str, Any]:
        """A run's summary."""
        process = self.call("run", "cab", "--json", **variables)
        assert process.returncode == 0, process.stderr[-3000:]
        summary: dict[str, Any] = json.loads(process.stdout)
        return summary

    def oldest_model(self) -> Path:
        """The folder of the first model that the Trainer made."""
        models = [path for path in self.runs.glob("store/cab/Trainer/model/*") if path.is_dir()]
        return min(models, key=lambda path: int(path.name))

    def traces(self) -> dict[str, Any]:
        """All that a reproduction could leave behind."""
        store = self.runs / "store/cab"
        return {
            "temporary": sorted(path.name for path in self.path.parent.glob("temporary/repro*")),
            "venvs": sorted(path.name for path in VENVS.iterdir()),
            "runs": sorted(path.name for path in self.runs.iterdir()),
            "published": sorted(path.name for path in store.glob("published/*")),
            "metadata": (store / "metadata.db").read_bytes(),
            "refs": self.repository.git("for-each-ref"),
            "worktrees": self.repository.git("worktree", "list"),
            "status": self.repository.git("status", "--porcelain"),
        }


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Scratch:
    repository = Repository(tmp_path_factory.mktemp("scratch") / "repository")
    command = ["git", "-C", str(REPOSITORY), "ls-files", "-z", "--", ":!models", ":!tests"]
    listing = subprocess.run(command, capture_output=True, text=True, check=True)
    for name in filter(None, listing.stdout.split("\0")):
        copy = repository.path / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(REPOSITORY / name, copy)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(MODELS / "cab", repository.path / "models/cab", ignore=ignored)
    with (repository.path / ".gitignore").open("a") as ignored_files:
        ignored_files.write("rows.csv\n")
    repository.commit({})
    return Scratch(repository)
