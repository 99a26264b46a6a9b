"""A recipe is refused as Cloud Build would refuse it, or where a reader would stumble."""

import pytest

from tests.standins.cloud_build.recipe_file import RecipeError, read
from tests.standins.cloud_build.scratch import GIVEN, recipe

WITHOUT_BUILD_ID = {name: value for name, value in GIVEN.items() if name != "BUILD_ID"}


def changed_recipe(old: str, new: str) -> str:
    """A recipe of one step with a text in place of another."""
    return recipe("-V").replace(old, new)


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
            changed_recipe("  entrypoint: python3\n", ""),
            "entrypoint is '', allowed is python3",
        ),
        (changed_recipe("python3", "[python3]"), "allowed is one text"),
        (changed_recipe('["-V"]', "-V"), "args is '-V', allowed is a list"),
        (changed_recipe('["-V"]', "[3]"), r"args is \[3\], allowed is a list"),
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
        (WITHOUT_BUILD_ID, "BUILD_ID is missing"),
    ],
)
def test_what_is_given_is_what_the_recipe_takes(given, says):
    text = recipe("$BUILD_ID")

    with pytest.raises(RecipeError, match=says):
        read(text, given)


def test_substitutions_are_applied_wherever_they_stand():
    text = recipe(
        "$BUILD_ID-${_STAGE}",
        "$$HOME",
        "$LOCATION-x",
        step="  env: ['A=${_STAGE}', 'B=x=$BUILD_ID']\n",
    )

    [step], timeout_seconds = read(text, {**GIVEN, "_STAGE": "dev"})

    assert step.command == ("python3", "b-dev", "$HOME", "l-x")
    assert step.env == {"A": "dev", "B": "x=b"}
    assert timeout_seconds == 60
