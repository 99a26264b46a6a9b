"""A broken environments.py is one sentence and exit 2 for every command, never a traceback."""

import os
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
    ("-m", "infra.stage_order"),
    ("-m", "infra.doctor.diagnosis", "--env", "dev"),
    ("-m", "infra.review.plan_comment", "."),
)
PLAIN = (TEAM / "environments.py").read_text()
BROKEN = {
    "a region that is none": (
        PLAIN.replace('region="us-central1"', 'region="Europe"'),
        "stage dev: region is 'Europe', allowed is a region such as europe-west1",
    ),
    "a misspelt value": (
        PLAIN.replace("    region=", "    regoin=", 1),
        "got an unexpected keyword argument 'regoin'",
    ),
    "a value that is missing": (
        PLAIN.replace('    region="us-central1",\n', "", 1),
        "missing 1 required keyword-only argument: 'region'",
    ),
    "a circle": (
        PLAIN.replace('promotes_from="dev"', 'promotes_from="prod"'),
        "stage staging: promotes_from leads back to it by staging, prod",
    ),
    "an import from before": (
        PLAIN.replace("from settings.stages import", "from stages import"),
        "No module named 'stages'",
    ),
    "a forgotten parenthesis": (PLAIN.replace("DEV = Settings(", "DEV = Settings("[:-1]), "line "),
    "no stages": (PLAIN.replace("ENVIRONMENTS = by_stage", "STAGES = by_stage"), "ENVIRONMENTS is"),
    "no file": (None, "there is no such file, `git checkout environments.py` brings"),
}


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    place = tmp_path_factory.mktemp("copy")
    ignored = shutil.ignore_patterns("__pycache__")
    for name in ("infra", "pipeline", "settings"):
        shutil.copytree(REPOSITORY / name, place / name, ignore=ignored)
    return place


def run(copy, command, content):
    """The process of a command in a copy with this content of environments.py, or without one."""
    file = copy / "environments.py"
    file.unlink(missing_ok=True)
    if content is not None:
        file.write_text(content)
    variables = os.environ | {"PYTHONDONTWRITEBYTECODE": "1", "ESTEIRA_ENVIRONMENT": "pipeline"}
    return subprocess.run(
        [sys.executable, *command],
        cwd=copy,
        env=variables,
        capture_output=True,
        text=True,
        timeout=60,
    )


def only_line(text):
    [line] = text.strip().splitlines()
    return line


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[1])
@pytest.mark.parametrize("fault", ["a region that is none", "a misspelt value"])
def test_every_command_tells_it_in_one_sentence(copy, command, fault):
    content, sentence = BROKEN[fault]

    process = run(copy, command, content)

    line = only_line(process.stderr)
    assert process.returncode == 2
    assert process.stdout == ""
    assert "environments.py: " in line
    assert sentence in line


@pytest.mark.parametrize(("content", "sentence"), BROKEN.values(), ids=BROKEN)
def test_every_fault_is_told_in_one_sentence(copy, content, sentence):
    process = run(copy, ("-m", "infra.stage_order"), content)

    assert process.returncode == 2
    assert sentence in only_line(process.stderr)


def test_a_verb_of_the_pipeline_tells_it_too(copy):
    content, sentence = BROKEN["a misspelt value"]

    process = run(copy, ("-m", "pipeline", "push", "--env", "dev"), content)

    assert process.returncode == 2
    assert "python -m pipeline push: environments.py: line " in process.stderr
    assert sentence in process.stderr
