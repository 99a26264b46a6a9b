"""An undeployable environments.py is one sentence and exit 2, never a traceback."""

import shutil
import subprocess
import sys

import pytest

from settings import REPOSITORY
from tests.team import TEAM

COMMANDS = (
    ("-m", "infra"),
    ("-m", "infra.deploy.operations", "plan", "--env", "dev"),
    ("-m", "infra.identity", "dev", "planner"),
    ("-m", "infra.doctor.diagnosis", "--env", "dev"),
)


@pytest.fixture
def copy(tmp_path):
    for name in ("infra", "pipeline", "settings"):
        shutil.copytree(
            REPOSITORY / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__")
        )
    plain = (TEAM / "environments.py").read_text()
    broken = plain.replace('region="us-central1"', 'region="Europe"').replace(
        'promotes_from="dev"', 'promotes_from="staging"'
    )
    assert broken.count("Europe") == 3
    (tmp_path / "environments.py").write_text(broken)
    return tmp_path


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[1])
def test_a_broken_environment_is_one_sentence_and_exit_2(copy, command):
    process = subprocess.run(
        [sys.executable, *command], cwd=copy, capture_output=True, text=True, timeout=60
    )

    assert process.returncode == 2
    assert process.stdout == ""
    [sentence] = process.stderr.strip().splitlines()
    assert (
        "environments.py: environment dev: region is 'Europe', allowed is a region such as "
        "europe-west1"
    ) in sentence
