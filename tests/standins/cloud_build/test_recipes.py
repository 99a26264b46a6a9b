"""The runner of recipes refuses as Cloud Build would.

What it runs is what the recipe of that commit says.
"""

import json
import os
import subprocess
import time
from pathlib import Path

import pytest

from tests.standins.cloud_build.recipe_file import RecipeError, read
from tests.standins.cloud_build.recipes import Outcome, Recipes, run
from tests.standins.google.apis import GoogleApis

PYTHON = f"docker.io/library/python:3.13.15-slim-trixie@sha256:{'0' * 64}"
AUTHOR = {
    f"GIT_{role}_{field}": "a@b" for role in ("AUTHOR", "COMMITTER") for field in ("NAME", "EMAIL")
}
GIVEN = {"COMMIT_SHA": "c" * 40, "BUILD_ID": "b", "PROJECT_ID": "p", "LOCATION": "l"}


def recipe(*args: str, step: str = "", timeout: str = "timeout: 60s", name: str = PYTHON) -> str:
    return (
        f"steps:\n- name: {name}\n  entrypoint: python3\n  args: {json.dumps(args)}\n"
        f"{step}{timeout}\noptions: {{logging: CLOUD_LOGGING_ONLY}}\n"
    )


class Scratch:
    """A git repository with one recipe, build/image.yaml."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "build").mkdir(parents=True)
        self.git("init", "--quiet")

    def git(self, *arguments: str) -> str:
        variables = {**os.environ, **AUTHOR, "GIT_CONFIG_GLOBAL": os.devnull}
        return subprocess.run(
            ["git", *arguments],
            cwd=self.folder,
            env=variables,
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()

    def commit(self, text: str) -> str:
        (self.folder / "build/image.yaml").write_text(text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message=change")
        return self.git("rev-parse", "HEAD")

    def run(
        self, text: str, environment: dict[str, str] | None = None, **substitutions: str
    ) -> Outcome:
        return run(
            self.folder,
            "image",
            {**GIVEN, **substitutions, "COMMIT_SHA": self.commit(text)},
            environment,
        )


@pytest.fixture
def scratch(tmp_path: Path) -> Scratch:
    return Scratch(tmp_path / "repository")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (recipe("$_NOPE"), "_NOPE is missing"),
        (recipe("$SHORT_SHA"), "SHORT_SHA is unknown"),
        (recipe("${_MODELS:-all}"), "begins no substitution"),
        (recipe("$(pwd)"), "begins no substitution"),
        (recipe("-V", step="  env: [A=$REVISION_ID]\n"), "REVISION_ID is unknown"),
        (recipe("-V", step="  env: [A]\n"), "env holds 'A'"),
        (recipe("-V", step="  script: echo\n"), "unknown key script"),
        (recipe("-V", step="substitutions: {_A: b}\n"), "unknown key substitutions"),
        (recipe("-V", timeout=""), "timeout is None"),
        (recipe("-V", timeout="timeout: 60"), "timeout is 60"),
        (recipe("-V", timeout="timeout: 1h"), "timeout is '1h'"),
        (
            recipe("-V", name="docker.io/library/python:3.13"),
            "builder docker.io/library/python:3.13 is unknown",
        ),
        (
            recipe("-V", name="gcr.io/cloud-builders/docker"),
            "entrypoint is 'python3', allowed is docker",
        ),
        (
            recipe("-V").replace("  entrypoint: python3\n", ""),
            "entrypoint is '', allowed is python3",
        ),
        (recipe("-V").replace("python3", "[python3]"), "allowed is one text"),
        (recipe("-V").replace('["-V"]', "-V"), "args is '-V', allowed is a list"),
        (recipe("-V").replace('["-V"]', "[3]"), r"args is \[3\], allowed is a list"),
        ("steps: []\ntimeout: 60s\n", "list of steps"),
    ],
)
def test_a_recipe_that_cloud_build_or_a_reader_would_stumble_over_is_refused(text, says):
    with pytest.raises(RecipeError, match=says):
        read(text, GIVEN)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({**GIVEN, "_MODELS": "all"}, "_MODELS is given and never used"),
        ({**GIVEN, "TRIGGER_NAME": "dev-image"}, "TRIGGER_NAME is given"),
        ({**GIVEN, "BUILD_ID": ""}, "BUILD_ID is empty"),
        (
            {name: value for name, value in GIVEN.items() if name != "BUILD_ID"},
            "BUILD_ID is missing",
        ),
    ],
)
def test_what_is_given_is_what_the_recipe_takes(given, says):
    with pytest.raises(RecipeError, match=says):
        read(recipe("$BUILD_ID"), given)


def test_substitutions_are_applied_wherever_they_stand():
    text = recipe(
        "$BUILD_ID-${_STAGE}",
        "$$HOME",
        "$LOCATION-x",
        step="  env: ['A=${_STAGE}', 'B=x=$BUILD_ID']\n",
    )

    [step], seconds = read(text, {**GIVEN, "_STAGE": "dev"})

    assert step.command == ("python3", "b-dev", "$HOME", "l-x")
    assert step.env == {"A": "dev", "B": "x=b"}
    assert seconds == 60


def test_a_step_runs_in_the_files_of_its_commit_and_without_history(scratch):
    first = scratch.commit(
        recipe(
            "-c", "print('FIRST' in open('build/image.yaml').read(), open('.git/shallow').read())"
        )
    )
    scratch.commit(recipe("-c", "print('another')"))

    outcome = run(scratch.folder, "image", {**GIVEN, "COMMIT_SHA": first})

    assert outcome.status == "SUCCESS"
    assert outcome.output == f"True {first}\n\n"


def test_a_step_sees_its_variables_and_those_around_it_and_not_the_runners_environment(
    scratch, monkeypatch
):
    monkeypatch.setenv("ESTEIRA_ENVIRONMENT", "infra")
    monkeypatch.setenv("VIRTUAL_ENV", "/venv")
    monkeypatch.setenv("PATH", f"/venv/bin{os.pathsep}{os.environ['PATH']}")
    program = (
        "import os; print([os.environ.get(name) for name in ('A', 'B', "
        "'ESTEIRA_ENVIRONMENT')], '/venv' in os.environ['PATH'])"
    )

    outcome = scratch.run(recipe("-c", program, step="  env: [A=1]\n"), {"A": "0", "B": "2"})

    assert outcome.output == "['1', '2', None] False\n"


def test_the_first_step_that_fails_is_the_last(scratch):
    fails = recipe(
        "-c",
        "raise SystemExit(3)",
        step=f"- {{name: '{PYTHON}', entrypoint: python3, args: [-V]}}\n",
    )

    outcome = scratch.run(fails)

    assert outcome.status == "FAILURE"
    assert [step.code for step in outcome.steps] == [3]


def test_a_path_that_is_not_in_the_commit_fails(scratch):
    (scratch.folder / ".gitignore").write_text("left_out.py\n")
    (scratch.folder / "left_out.py").write_text("")

    outcome = scratch.run(recipe("left_out.py"))

    assert outcome.status == "FAILURE"
    assert "left_out.py" in outcome.output


def test_a_step_that_outlives_the_timeout_is_ended_with_what_it_started_and_nothing_else(
    scratch, tmp_path
):
    child = f"import time; time.sleep(4); open({str(tmp_path / 'outlived')!r}, 'w')"
    starts = (
        "import subprocess, sys, time; print('begun', flush=True); "
        f"subprocess.Popen([sys.executable, '-c', {child!r}]); time.sleep(60)"
    )
    bystander = subprocess.Popen(["sleep", "60"])

    outcome = scratch.run(recipe("-c", starts, timeout="timeout: 2s"))

    try:
        assert outcome.status == "TIMEOUT"
        assert outcome.steps[-1].code == -9
        assert outcome.output == "begun\n"
        with pytest.raises(subprocess.TimeoutExpired):
            bystander.wait(timeout=4)
        assert not (tmp_path / "outlived").exists()
    finally:
        bystander.kill()
        bystander.wait()


def test_a_commit_or_a_recipe_that_is_not_there_is_refused(scratch):
    commit = scratch.commit(recipe("-V"))

    for named, recipe_, says in (
        ("f" * 40, "image", "gives no commit"),
        ("HEAD", "image", "whole hash"),
        (commit, "nope", "no build/nope"),
    ):
        with pytest.raises(RecipeError, match=says):
            run(scratch.folder, recipe_, {**GIVEN, "COMMIT_SHA": named})


def test_a_build_runs_the_recipe_of_its_trigger_and_reports(scratch):
    reports = []
    text = recipe("-c", "print('$PROJECT_ID', '$LOCATION', '$BUILD_ID', '$_STAGE')")
    recipes = Recipes(
        scratch.folder, {}, report=lambda build, status: reports.append((build["id"], status))
    )
    substitutions = {
        "COMMIT_SHA": scratch.commit(text),
        "TRIGGER_NAME": "dev-image",
        "REPO_NAME": "esteira",
        "_STAGE": "dev",
    }

    recipes.run(
        {"id": "7", "name": "projects/p/locations/l/builds/7", "substitutions": substitutions}
    )
    recipes.run(
        {
            "id": "8",
            "name": "projects/p/locations/l/builds/8",
            "substitutions": {**substitutions, "_MODELS": "all"},
        }
    )
    recipes.run(
        {
            "id": "9",
            "name": "projects/p/locations/l/builds/9",
            "substitutions": {**substitutions, "_STAGE": "prod"},
        }
    )

    assert reports == [
        ("7", "WORKING"),
        ("7", "SUCCESS"),
        ("8", "WORKING"),
        ("8", "FAILURE"),
        ("9", "WORKING"),
        ("9", "FAILURE"),
    ]
    assert [outcome.output for outcome in recipes.outcomes.values()] == [
        "p l 7 dev\n",
        "the substitution _MODELS is given and never used\n",
        "the trigger is named 'dev-image', allowed is <stage>-<recipe> of the stage 'prod'\n",
    ]


@pytest.fixture
def google():
    with GoogleApis() as google:
        yield google


@pytest.fixture
def recipes(scratch, google):
    """The scratch repository's, run by the builds of the stand-in for Google."""
    recipes = Recipes(
        scratch.folder,
        google.environment(),
        lambda build, status: google.change("cloud_build", build["name"], status=status),
    )
    google.on_build = recipes.run
    return recipes


def ended(google):
    """The one build, once it is over."""
    for _ in range(100):
        [build] = [body for (_, name), body in google.objects.items() if "/builds/" in name]
        if build["status"] not in ("QUEUED", "WORKING"):
            break
        time.sleep(0.1)
    return build


def test_a_trigger_of_the_stand_in_for_google_runs_its_recipe(scratch, google, recipes):
    trigger = google.add_trigger(
        "p", "l", "dev-image", substitutions={"_STAGE": "dev", "_MODELS": "all"}
    )
    text = recipe(
        "-c", "import os; print('${_STAGE}', '${_MODELS}', os.environ['REGISTRY_EMULATOR_HOST'])"
    )
    source = {"commitSha": scratch.commit(text), "substitutions": {"_MODELS": "cab"}}

    google.respond(
        "POST",
        f"/cloud_build/v1/projects/p/locations/l/triggers/{trigger}:run",
        json.dumps({"source": source}).encode(),
    )

    build = ended(google)
    assert build["status"] == "SUCCESS"
    assert recipes.outcomes[build["name"]].output == f"dev cab {google.registry.url}\n"


@pytest.mark.parametrize(
    ("bound", "status", "says"),
    [
        ({"_COMMIT": "$(body.message.attributes.commit)"}, "SUCCESS", "dev abc\n"),
        ({}, "FAILURE", "the substitution _COMMIT is missing\n"),
        (
            {"_COMMIT": "$(body.message.attributes.commit)", "_MODELS": "all"},
            "FAILURE",
            "the substitution _MODELS is given and never used\n",
        ),
    ],
    ids=["what it takes", "too little", "too much"],
)
def test_a_message_runs_the_recipe_of_main_with_what_its_trigger_gives(
    scratch, google, recipes, bound, status, says
):
    commit = scratch.commit(recipe("-c", "print('${_STAGE}', '${_COMMIT}')"))
    google.main = lambda: commit
    topic = google.add_topic("p", "dev-image")
    google.add_trigger(
        "p",
        "l",
        "dev-image",
        substitutions={"_STAGE": "dev", **bound},
        pubsubConfig={"topic": topic},
    )

    google.respond(
        "POST",
        f"/pubsub/v1/{topic}:publish",
        json.dumps({"messages": [{"attributes": {"commit": "abc"}}]}).encode(),
    )

    build = ended(google)
    assert build["status"] == status
    assert build["substitutions"]["COMMIT_SHA"] == commit
    assert recipes.outcomes[build["name"]].output.endswith(says)
