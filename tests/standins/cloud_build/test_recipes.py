"""The runner of recipes refuses as Cloud Build would.

What it runs is what the recipe of that commit says.
"""

import os
import subprocess

import pytest

from tests.standins.cloud_build.recipe_file import RecipeError
from tests.standins.cloud_build.recipes import run
from tests.standins.cloud_build.scratch import GIVEN, PYTHON, recipe


def test_a_step_runs_in_the_files_of_its_commit_and_without_history(scratch):
    program = "print('FIRST' in open('build/image.yaml').read(), open('.git/shallow').read())"
    first_recipe = recipe("-c", program)
    another_recipe = recipe("-c", "print('another')")
    first_commit = scratch.commit(first_recipe)
    scratch.commit(another_recipe)

    outcome = run(scratch.folder, "image", {**GIVEN, "COMMIT_SHA": first_commit})

    assert outcome.status == "SUCCESS"
    assert outcome.output == f"True {first_commit}\n\n"


def test_a_step_sees_its_variables_and_those_around_it_and_not_the_runners_environment(
    scratch, monkeypatch
):
    path = os.environ["PATH"]
    monkeypatch.setenv("ESTEIRA_ENVIRONMENT", "infra")
    monkeypatch.setenv("VIRTUAL_ENV", "/venv")
    monkeypatch.setenv("PATH", f"/venv/bin{os.pathsep}{path}")
    program = (
        "import os; print([os.environ.get(name) for name in ('A', 'B', "
        "'ESTEIRA_ENVIRONMENT')], '/venv' in os.environ['PATH'])"
    )

    text = recipe("-c", program, step="  env: [A=$BUILD_ID]\n")

    outcome = scratch.run(text, {"A": "0", "B": "2"}, BUILD_ID="1")

    assert outcome.output == "['1', '2', None] False\n"


def test_the_first_step_that_fails_is_the_last(scratch):
    second_step = f"- {{name: '{PYTHON}', entrypoint: python3, args: [-V]}}\n"
    text = recipe("-c", "raise SystemExit(3)", step=second_step)

    outcome = scratch.run(text)

    [step] = outcome.steps
    assert outcome.status == "FAILURE"
    assert step.code == 3


def test_a_path_that_is_not_in_the_commit_fails(scratch):
    ignored_paths = scratch.folder / ".gitignore"
    ignored_paths.write_text("left_out.py\n")
    ignored_file = scratch.folder / "left_out.py"
    ignored_file.touch()
    text = recipe("left_out.py")

    outcome = scratch.run(text)

    assert outcome.status == "FAILURE"
    assert "left_out.py" in outcome.output


def test_a_step_that_outlives_the_timeout_is_ended_with_what_it_started_and_nothing_else(
    scratch, tmp_path
):
    mark = tmp_path / "outlived"
    child = f"import time; time.sleep(9); open({str(mark)!r}, 'w')"
    parent = (
        "import subprocess, sys, time; print('begun', flush=True); "
        f"subprocess.Popen([sys.executable, '-c', {child!r}]); time.sleep(60)"
    )
    text = recipe("-c", parent, timeout="timeout: 6s")
    bystander = subprocess.Popen(["sleep", "60"])

    outcome = scratch.run(text)

    try:
        *_, last = outcome.steps
        assert outcome.status == "TIMEOUT"
        assert last.code == -9
        assert outcome.output == "begun\n"
        with pytest.raises(subprocess.TimeoutExpired):
            bystander.wait(timeout=5)
        assert not mark.exists()
    finally:
        bystander.kill()
        bystander.wait()


def test_a_commit_or_a_recipe_that_is_not_there_is_refused(scratch):
    text = recipe("-V")
    commit = scratch.commit(text)

    for requested_commit, requested_recipe, says in (
        ("f" * 40, "image", "gives no commit"),
        ("HEAD", "image", "whole hash"),
        (commit, "nope", "no build/nope"),
    ):
        substitutions = {**GIVEN, "COMMIT_SHA": requested_commit}
        with pytest.raises(RecipeError, match=says):
            run(scratch.folder, requested_recipe, substitutions)
