"""A stranger's first day: a clone with values and models of its own works.

Nothing else is edited in it.
"""

import json
import os
import subprocess
import sys

import pytest

from tests.pipeline.scenarios import stranger

IMAGE = f"europe-west1-docker.pkg.dev/p/r/pipeline@sha256:{'0123456789abcdef' * 4}"
IMAGES = (
    *("--image", IMAGE, "--serving-image", IMAGE.replace("pipeline@", "serving@")),
    *("--worker-image", IMAGE.replace("pipeline@", "worker@")),
)


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    place = tmp_path_factory.mktemp("stranger")
    return stranger.clone(place / "clone")


def run(clone, *command):
    """Its standard output, once it has succeeded."""
    variables = os.environ | {"PYTHONPATH": str(clone)}
    process = subprocess.run(command, cwd=clone, env=variables, capture_output=True, text=True)
    assert process.returncode == 0, process.stdout[-3000:] + process.stderr[-3000:]
    return process.stdout


def pipeline(clone, *arguments):
    output = run(clone, sys.executable, "-m", "pipeline", *arguments, "--json")
    return json.loads(output)


def infra(clone, *arguments):
    run(clone, "build/environment", "infra", "python", "-m", *arguments)


def test_nothing_outside_of_the_teams_files_is_edited(clone):
    output = run(clone, sys.executable, "build/own")

    assert output == "nothing is changed but environments.py, models/ and prices.toml\n"


def test_its_edits_are_routed_to_its_models_and_its_infrastructure(clone):
    route = pipeline(clone, "route", "--base", "HEAD~1", "--head", "HEAD")

    assert route["models"] == [stranger.NEW, stranger.RENAMED]
    assert route["infrastructure"] is True
    assert route["image"] is False


def test_its_stages_are_told_in_their_order(clone):
    output = run(clone, sys.executable, "-m", "infra.stage_order")

    assert output == 'first=["lab"]\nlater=["live"]\nall=["lab", "live"]\n'


@pytest.mark.parametrize("stage", ["lab", "live"])
def test_its_models_are_compiled_for_its_stages(clone, tmp_path, stage):
    files = pipeline(clone, "compile", "--env", stage, *IMAGES, "--output", tmp_path)

    new_job = tmp_path / f"{stage}-{stranger.NEW}.json"
    renamed_job = tmp_path / f"{stage}-{stranger.RENAMED}.json"
    assert files == [str(new_job), str(renamed_job)]
    assert "us-central1" not in new_job.read_text()


def test_its_stacks_are_synthesized_and_keep_the_policy(clone):
    infra(clone, "infra")
    infra(clone, "infra.policy.judgement", "cdktf.out")

    folders = (clone / "cdktf.out/stacks").iterdir()
    stacks = [folder.name for folder in folders]
    stages = {stack.split("-")[1] for stack in stacks}
    assert stages == {"lab", "live"}
    assert len(stacks) == 10


def test_its_new_model_keeps_the_contract(clone):
    """300 rows, one class after the other, and a declaration in another layout."""
    output = run(clone, sys.executable, "-m", "pytest", "tests/models", "--models", stranger.NEW)

    assert "7 passed" in output
