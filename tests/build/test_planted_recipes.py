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
from tests.standins.cloud_build.recipe_file import RecipeError
from tests.standins.cloud_build.recipes import Outcome, run
from tests.standins.google.apis import GoogleApis
from tests.standins.google.registry import Registry

GIVEN = {
    "BUILD_ID": "7",
    "PROJECT_ID": "mill-dev",
    "LOCATION": "us-central1",
    "_STAGE": "dev",
    "_MODELS": "all",
}
OWN = {"promote": {"_COMMIT": "c" * 40}}  # what a recipe takes beside these
AUTHOR = {
    f"GIT_{role}_{field}": "a@b" for role in ("AUTHOR", "COMMITTER") for field in ("NAME", "EMAIL")
}
IMAGES = ("mill-dev/dev-images/pipeline", "mill-dev/dev-images/serving")


class Planted:
    """A repository with this one's files; its recipes are changed before they run."""

    def __init__(self, folder: Path, registry: Registry) -> None:
        self.folder, self.registry = folder, registry
        for name in self.git(
            "ls-files", "-z", "--cached", "--others", "--exclude-standard", at=REPOSITORY
        ).split("\0"):
            if (file := REPOSITORY / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(file, folder / name)
        self.git("init", "--quiet")

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
        document = yaml.safe_load((REPOSITORY / f"build/{recipe}.yaml").read_text())
        change(document)
        (self.folder / f"build/{recipe}.yaml").write_text(yaml.safe_dump(document, width=10_000))
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message=change")
        return self.run_again(recipe, self.git("rev-parse", "HEAD"), **given)

    def run_again(self, recipe: str, commit: str, **given: str | None) -> Outcome:
        substitutions = {**GIVEN, **OWN.get(recipe, {}), "COMMIT_SHA": commit, **given}
        values = {name: value for name, value in substitutions.items() if value is not None}
        return run(self.folder, recipe, values, {"REGISTRY_EMULATOR_HOST": self.registry.url})


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    with GoogleApis() as google:
        yield Planted(tmp_path_factory.mktemp("repository"), google.registry)


def says_its_models(recipe: Any) -> None:
    """Replace the last step: its work is the cloud's."""
    recipe["steps"][-1]["args"] = ["-c", "print('${_MODELS}')"]


def nothing(recipe: Any) -> None:
    pass


def rename(step: int, old: str, new: str) -> Callable[[Any], None]:
    def change(recipe: Any) -> None:
        args = recipe["steps"][step]["args"]
        args[args.index(old)] = new

    return change


def test_the_images_are_built_and_pushed_once_by_a_tag_of_the_build(planted):
    first = planted.run("image", says_its_models)
    commit = planted.git("rev-parse", "HEAD")
    rerun = planted.run_again("image", commit, BUILD_ID="8")

    assert first.status == "SUCCESS"
    assert rerun.status == "SUCCESS"
    assert first.steps[-1].output == "all\n"
    pushed = {(name, tag) for name, tag in planted.registry.tags if commit in tag}
    assert pushed == {(name, f"{commit}-{build}") for name in IMAGES for build in (7, 8)}


def test_a_build_whose_tag_is_taken_ends_at_its_push(planted):
    planted.run("image", says_its_models)
    commit = planted.git("rev-parse", "HEAD")
    planted.registry.put_image(IMAGES[0], revision="another", tag=f"{commit}-9")

    rerun = planted.run_again("image", commit, BUILD_ID="9")

    assert rerun.status == "FAILURE"
    assert rerun.steps[-1].step.id == "push pipeline"
    assert "the registry answers 400" in rerun.output


@pytest.mark.parametrize(
    ("recipe", "change", "says"),
    [
        (
            "image",
            rename(0, "--file=build/Dockerfile", "--file=Dockerfile"),
            "there is no Dockerfile",
        ),
        ("image", rename(1, "--target=test", "--target=tests"), "no target tests"),
        (
            "image",
            lambda recipe: recipe["steps"].insert(0, recipe["steps"].pop(3)),
            "was never built",
        ),
        ("image", lambda recipe: recipe["steps"][0].pop("env"), "DOCKER_BUILDKIT=1 is not set"),
        ("image", rename(2, ".", "builds"), "no folder builds"),
        ("image", rename(3, "push", "pull"), "invalid choice: 'pull'"),
        ("modules", rename(0, "build/environment", "build/environments"), "can't open file"),
        ("modules", rename(0, "pipeline", "pipelines"), "usage: build/environment"),
        ("promote", rename(0, "pipeline", "pipelines"), "No module named pipelines"),
        ("promote", rename(0, "push", "pushes"), "invalid choice: 'pushes'"),
        ("promote", rename(0, "--promote", "--promotes"), "unrecognized arguments: --promotes"),
    ],
)
def test_a_step_that_asks_for_what_is_not_there_fails(planted, recipe, change, says):
    outcome = planted.run(recipe, change)

    assert outcome.status == "FAILURE"
    assert says in outcome.steps[-1].output


def test_an_image_of_files_that_are_not_in_the_commit_is_not_built(planted):
    trim = (planted.folder / "build/trim").rename(planted.folder / "build/trimmed")

    outcome = planted.run("image", says_its_models)

    trim.rename(planted.folder / "build/trim")
    assert outcome.status == "FAILURE"
    assert len(outcome.steps) == 1
    assert "copies build/trim, which is not there" in outcome.output


def test_a_recipe_that_outlives_its_timeout_is_ended(planted):
    def change(recipe: Any) -> None:
        recipe["steps"][0]["args"] = [
            "-c",
            "import time; print('${_STAGE} ${_MODELS}', flush=True); time.sleep(60)",
        ]
        recipe["timeout"] = "2s"

    outcome = planted.run("monitor", change)

    assert outcome.status == "TIMEOUT"
    assert outcome.output == "dev all\n"


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize(
    ("change", "given", "says"),
    [
        (
            lambda recipe: recipe["steps"][-1]["args"].append("$SHORT_SHA"),
            {},
            "SHORT_SHA is unknown",
        ),
        (lambda recipe: recipe["steps"][-1]["args"].append("$_IMAGE"), {}, "_IMAGE is missing"),
        (nothing, {"_MODELS": None}, "_MODELS is missing"),
        (nothing, {"_IMAGE": "x"}, "_IMAGE is given and never used"),
        (
            lambda recipe: recipe["steps"][-1].update(name="gcr.io/cloud-builders/gcloud"),
            {},
            "gcloud is unknown",
        ),
        (lambda recipe: recipe["steps"][-1].update(script="echo"), {}, "unknown key script"),
        (lambda recipe: recipe.pop("timeout"), {}, "timeout is None"),
    ],
)
def test_a_recipe_with_a_wrong_word_is_refused_before_any_step(
    planted, recipe, change, given, says
):
    with pytest.raises(RecipeError, match=says):
        planted.run(recipe, change, **given)
