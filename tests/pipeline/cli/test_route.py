"""`python -m pipeline route`, by a Python without any package installed."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from settings import REPOSITORY
from tests.pipeline.delivery.conftest import Repository


@pytest.fixture
def standing_alone(tmp_path: Path) -> Repository:
    """This repository's own command line in a scratch repository, with one model."""
    repository = Repository(tmp_path / "alone")
    ignored = shutil.ignore_patterns("__pycache__")
    for name in ("settings", "pipeline"):
        shutil.copytree(REPOSITORY / name, repository.path / name, ignore=ignored)
    gitignore = repository.path / ".gitignore"
    gitignore.write_text("__pycache__")
    repository.commit({"models/cab/model.toml": "x", "models/cab/model.py": "x"})
    return repository


def say(repository: Repository, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run it without the environment's packages (-S) and without a sign of the environment."""
    environment = {key: value for key, value in os.environ.items() if key != "ESTEIRA_ENVIRONMENT"}
    command = [sys.executable, "-S", "-m", "pipeline", "route", *arguments]
    return subprocess.run(
        command, cwd=repository.path, env=environment, capture_output=True, text=True
    )


def test_the_verb_needs_no_package_and_reports_in_json(standing_alone):
    standing_alone.commit({"models/cab/model.py": "better"})

    process = say(standing_alone, "--base", "HEAD~1", "--head", "HEAD", "--json")

    report = json.loads(process.stdout)
    assert process.returncode == 0
    assert process.stderr == ""
    assert report == {
        "image": False,
        "models": ["cab"],
        "removed": [],
        "infrastructure": False,
        "kind": "partial",
    }


def test_the_verb_says_everything_aloud(standing_alone):
    process = say(standing_alone, "--base", "0" * 40)

    [notice] = process.stderr.splitlines()
    assert process.returncode == 0
    assert process.stdout == "full: build the image, train cab; the infrastructure changes\n"
    assert notice.startswith("python -m pipeline route: the base 0000")


def test_the_verb_names_what_is_removed(standing_alone):
    standing_alone.commit({"models/cab/model.py": None, "models/cab/model.toml": None})

    process = say(standing_alone, "--base", "HEAD~1")

    assert process.stdout == "none: nothing to deliver; removed: cab; the infrastructure changes\n"


def test_the_verb_refuses_an_unknown_head_with_exit_2(standing_alone):
    process = say(standing_alone, "--head", "nowhere")

    assert process.returncode == 2
    assert process.stdout == ""
    assert process.stderr == (
        "python -m pipeline route: --head is 'nowhere', allowed is a commit of "
        f"{standing_alone.path}\n"
    )
