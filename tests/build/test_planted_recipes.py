"""The real recipes run here, over this repository's files as they are.

Each fault that is planted in one fails here, not on Google Cloud.
"""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from settings import REPOSITORY
from settings.names import RECIPES
from tests.standins.cloud_build import roots
from tests.standins.cloud_build.recipe_file import RecipeError
from tests.standins.cloud_build.recipes import Outcome, run
from tests.standins.google.apis import GoogleApis
from tests.standins.google.faults import Fault
from tests.standins.google.registry import Registry

GIVEN = {
    "BUILD_ID": "7",
    "PROJECT_ID": "mill-dev",
    "LOCATION": "us-central1",
    "_STAGE": "dev",
    "_MODELS": "all",
}
# What a recipe takes beside these.
OWN = {
    "modules": {"_REQUEST": "none"},
    "promote": {"_COMMIT": "c" * 40},
    "retrain": {"_REQUEST": "cab-1-2026-03-01"},
    "monitor": {"_RETRAIN": "no"},
}
AUTHOR = {
    f"GIT_{role}_{field}": "a@b" for role in ("AUTHOR", "COMMITTER") for field in ("NAME", "EMAIL")
}
needs_roots = pytest.mark.skipif(not roots.available(), reason=roots.WITHOUT_ROOTS)
IMAGES = tuple(f"mill-dev/dev-images/{target}" for target in ("pipeline", "serving", "worker"))


class Planted:
    """A repository with this one's files; its recipes are changed before they run."""

    def __init__(self, folder: Path, registry: Registry) -> None:
        self.folder = folder
        self.registry = registry
        listing = self.git(
            "ls-files", "-z", "--cached", "--others", "--exclude-standard", at=REPOSITORY
        )
        for name in listing.split("\0"):
            self._copy(name)
        self.git("init", "--quiet")

    def _copy(self, name: str) -> None:
        file = REPOSITORY / name
        if file.is_file():
            target = self.folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, target)

    def git(self, *arguments: str, at: Path | None = None) -> str:
        variables = {**os.environ, **AUTHOR, "GIT_CONFIG_GLOBAL": os.devnull}
        process = subprocess.run(
            ["git", *arguments],
            cwd=at or self.folder,
            env=variables,
            check=True,
            capture_output=True,
            text=True,
        )
        return process.stdout.strip()

    def run(self, recipe: str, change: Callable[[Any], object], **given: str | None) -> Outcome:
        path = f"build/{recipe}.yaml"
        document = yaml.safe_load((REPOSITORY / path).read_text())
        change(document)
        text = yaml.safe_dump(document, width=10_000)
        (self.folder / path).write_text(text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message=change")
        commit = self.git("rev-parse", "HEAD")
        return self.run_again(recipe, commit, **given)

    def run_again(self, recipe: str, commit: str, **given: str | None) -> Outcome:
        own = OWN.get(recipe, {})
        substitutions = {**GIVEN, **own, "COMMIT_SHA": commit, **given}
        values = {name: value for name, value in substitutions.items() if value is not None}
        environment = {"REGISTRY_EMULATOR_HOST": self.registry.url}
        return run(self.folder, recipe, values, environment)


@pytest.fixture(scope="module")
def google():
    with GoogleApis() as google:
        yield google


@pytest.fixture(scope="module")
def planted(tmp_path_factory, google):
    folder = tmp_path_factory.mktemp("repository")
    return Planted(folder, google.registry)


def says_its_models(recipe: Any) -> None:
    """Replace the last step: its work is the cloud's."""
    *_, last = recipe["steps"]
    last["args"] = ["-c", "print('${_MODELS}')"]


def nothing(recipe: Any) -> None:
    pass


def rename(number: int, old: str, new: str) -> Callable[[Any], None]:
    def change(recipe: Any) -> None:
        step = recipe["steps"][number]
        args = step["args"]
        place = args.index(old)
        args[place] = new

    return change


def ask_for(substitution: str) -> Callable[[Any], None]:
    """Have the last step ask for a substitution, too."""

    def change(recipe: Any) -> None:
        *_, last = recipe["steps"]
        last["args"].append(substitution)

    return change


def change_last_step(**fields: str) -> Callable[[Any], None]:
    def change(recipe: Any) -> None:
        *_, last = recipe["steps"]
        last.update(fields)

    return change


def push_first(recipe: Any) -> None:
    """Move the first push before the builds."""
    steps = recipe["steps"]
    push = steps.pop(4)
    steps.insert(0, push)


def drop_environment(recipe: Any) -> None:
    first, *_ = recipe["steps"]
    first.pop("env")


def drop_timeout(recipe: Any) -> None:
    recipe.pop("timeout")


def sleep_too_long(recipe: Any) -> None:
    program = "import time; print('${_STAGE} ${_MODELS}', flush=True); time.sleep(60)"
    first, *_ = recipe["steps"]
    first["args"] = ["-c", program]
    recipe["timeout"] = "2s"


def test_the_images_are_built_and_pushed_once_by_a_tag_of_the_build(planted):
    first = planted.run("image", says_its_models)
    commit = planted.git("rev-parse", "HEAD")
    rerun = planted.run_again("image", commit, BUILD_ID="8")

    tags = {(image, tag) for image, tag in planted.registry.tags if commit in tag}
    expected_tags = {(image, f"{commit}-{build}") for image in IMAGES for build in (7, 8)}
    *_, last = first.steps
    assert first.status == "SUCCESS"
    assert rerun.status == "SUCCESS"
    assert last.output == "all\n"
    assert tags == expected_tags


def test_a_build_whose_push_is_refused_ends_there(planted, google):
    google.faults.append(Fault("PUT", "/v2/mill-dev/dev-images/pipeline/manifests/", 403))

    outcome = planted.run("image", says_its_models)

    *_, last = outcome.steps
    assert outcome.status == "FAILURE"
    assert last.step.id == "push pipeline"
    assert "the registry answers 403" in outcome.output


@pytest.mark.parametrize(
    ("recipe", "change", "says"),
    [
        (
            "image",
            rename(0, "--file=build/Dockerfile", "--file=Dockerfile"),
            "there is no Dockerfile",
        ),
        ("image", rename(1, "--target=test", "--target=tests"), "no target tests"),
        ("image", push_first, "was never built"),
        ("image", drop_environment, "DOCKER_BUILDKIT=1 is not set"),
        ("image", rename(3, ".", "builds"), "no folder builds"),
        ("image", rename(4, "push", "pull"), "invalid choice: 'pull'"),
        ("modules", rename(0, "build/environment", "build/environments"), "can't open file"),
        ("modules", rename(0, "pipeline", "pipelines"), "usage: build/environment"),
        ("promote", rename(0, "pipeline", "pipelines"), "No module named pipelines"),
        ("promote", rename(0, "push", "pushes"), "invalid choice: 'pushes'"),
        ("promote", rename(0, "--promote", "--promotes"), "unrecognized arguments: --promotes"),
    ],
)
def test_a_step_that_asks_for_what_is_not_there_fails(planted, recipe, change, says):
    outcome = planted.run(recipe, change)

    *_, last = outcome.steps
    assert outcome.status == "FAILURE"
    assert says in last.output


def test_an_image_of_files_that_are_not_in_the_commit_is_not_built(planted):
    trim = planted.folder / "build/trim"
    renamed = trim.rename(planted.folder / "build/trimmed")

    outcome = planted.run("image", says_its_models)

    renamed.rename(trim)
    assert outcome.status == "FAILURE"
    assert len(outcome.steps) == 1
    assert "copies build/trim, which is not there" in outcome.output


def test_a_recipe_that_outlives_its_timeout_is_ended(planted):
    outcome = planted.run("monitor", sleep_too_long, _RETRAIN=None)

    assert outcome.status == "TIMEOUT"
    assert outcome.output == "dev all\n"


def call_git_in_each_step(recipe: Any) -> None:
    """Have both steps of modules.yaml ask git, in the venv that outlives them."""
    for step in recipe["steps"]:
        step["args"] = ["build/environment", "pipeline", "git", "rev-parse", "HEAD"]


def test_every_step_finds_git_though_the_venv_is_older_than_its_image_s_programs(planted):
    outcome = planted.run(
        "modules", call_git_in_each_step, _STAGE=None, _MODELS=None, _REQUEST=None
    )

    commit = planted.git("rev-parse", "HEAD")
    assert outcome.status == "SUCCESS", outcome.output
    for step in outcome.steps:
        assert step.output.endswith(f"{commit}\n")


@needs_roots
def test_a_step_has_its_image_s_programs_alone_and_keeps_home_and_the_workspace(planted):
    def look_around(recipe: Any) -> None:
        first, second = recipe["steps"]
        program = "import shutil; print(*map(shutil.which, ('git', 'g++', 'node', 'apt-get')))"
        first["args"] = ["-c", f"{program}; open('left', 'w').write('by the first')"]
        second["args"] = [
            "-c",
            f"{program}; print(open('left').read(), '${{_STAGE}} ${{_MODELS}}')",
        ]

    outcome = planted.run("modules", look_around, _REQUEST=None)

    assert outcome.status == "SUCCESS", outcome.output
    first, second = [step.output for step in outcome.steps]
    assert first.startswith("None None None /")
    assert first.endswith("/bin/apt-get\n")
    assert second == f"{first}by the first dev all\n"


@needs_roots
def test_what_a_step_installs_is_gone_in_the_next(planted):
    def install_git_once(recipe: Any) -> None:
        first, second = recipe["steps"]
        call = "import subprocess, shutil"
        first["args"] = [
            "-c",
            f"{call}; subprocess.run(['apt-get', 'install', '-y', 'git'], check=True); "
            "print(shutil.which('git'), shutil.which('g++'))",
        ]
        second["args"] = ["-c", f"{call}; print(shutil.which('git'), '${{_STAGE}}${{_MODELS}}')"]

    outcome = planted.run("modules", install_git_once, _REQUEST=None)

    assert outcome.status == "SUCCESS", outcome.output
    first, second = [step.output for step in outcome.steps]
    assert first.splitlines()[-1] == "/usr/bin/git None"
    assert second == "None devall\n"


@needs_roots
def test_a_package_that_there_is_not_is_not_installed(planted):
    def install_nothing(recipe: Any) -> None:
        first, _ = recipe["steps"]
        program = "import subprocess, sys; sys.exit(subprocess.call(['apt-get', *sys.argv[1:]]))"
        first["args"] = ["-c", program, "install", "-y", "gti"]

    outcome = planted.run("modules", install_nothing)

    assert outcome.status == "FAILURE"
    assert outcome.output == "E: Unable to locate package gti\n"


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize(
    ("change", "given", "says"),
    [
        (ask_for("$SHORT_SHA"), {}, "SHORT_SHA is unknown"),
        (ask_for("$_IMAGE"), {}, "_IMAGE is missing"),
        (nothing, {"_MODELS": None}, "_MODELS is missing"),
        (nothing, {"_IMAGE": "x"}, "_IMAGE is given and never used"),
        (change_last_step(name="gcr.io/cloud-builders/gcloud"), {}, "gcloud is unknown"),
        (change_last_step(script="echo"), {}, "unknown key script"),
        (drop_timeout, {}, "timeout is None"),
    ],
)
def test_a_recipe_with_a_wrong_word_is_refused_before_any_step(
    planted, recipe, change, given, says
):
    with pytest.raises(RecipeError, match=says):
        planted.run(recipe, change, **given)
