"""A trigger runs its named recipe with its own values, and its build reports the end."""

import json
import time

import pytest

from tests.standins.cloud_build.recipes import Build, Recipes
from tests.standins.cloud_build.scratch import recipe
from tests.standins.google.apis import GoogleApis

COMMIT_OF_MESSAGE = {"_COMMIT": "$(body.message.attributes.commit)"}


def build(id_: str, substitutions: dict[str, str]) -> Build:
    return {
        "id": id_,
        "name": f"projects/p/locations/l/builds/{id_}",
        "substitutions": substitutions,
    }


def test_a_build_runs_the_recipe_of_its_trigger_and_reports(scratch):
    text = recipe("-c", "print('$PROJECT_ID', '$LOCATION', '$BUILD_ID', '$_STAGE')")
    commit = scratch.commit(text)
    substitutions = {
        "COMMIT_SHA": commit,
        "TRIGGER_NAME": "dev-image",
        "REPO_NAME": "esteira",
        "_STAGE": "dev",
    }
    reports = []

    def report(build: Build, status: str) -> None:
        reports.append((build["id"], status))

    recipes = Recipes(scratch.folder, {}, report)
    recipes.run(build("7", substitutions))
    recipes.run(build("8", {**substitutions, "_MODELS": "all"}))
    recipes.run(build("9", {**substitutions, "_STAGE": "prod"}))

    outputs = [outcome.output for outcome in recipes.outcomes.values()]
    assert reports == [
        ("7", "WORKING"),
        ("7", "SUCCESS"),
        ("8", "WORKING"),
        ("8", "FAILURE"),
        ("9", "WORKING"),
        ("9", "FAILURE"),
    ]
    assert outputs == [
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

    def report(build: Build, status: str) -> None:
        google.change("cloud_build", build["name"], status=status)

    recipes = Recipes(scratch.folder, google.environment(), report)
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


def post(google, path, body):
    """Ask the stand-in for Google."""
    content = json.dumps(body)
    google.respond("POST", path, content.encode())


def test_a_trigger_of_the_stand_in_for_google_runs_its_recipe(scratch, google, recipes):
    substitutions = {"_STAGE": "dev", "_MODELS": "all"}
    trigger = google.add_trigger("p", "l", "dev-image", substitutions=substitutions)
    program = "import os; print('${_STAGE}', '${_MODELS}', os.environ['REGISTRY_EMULATOR_HOST'])"
    text = recipe("-c", program)
    commit = scratch.commit(text)
    source = {"commitSha": commit, "substitutions": {"_MODELS": "cab"}}

    path = f"/cloud_build/v1/projects/p/locations/l/triggers/{trigger}:run"
    post(google, path, {"projectId": "p", "triggerId": trigger, "source": source})

    build = ended(google)
    outcome = recipes.outcomes[build["name"]]
    assert build["status"] == "SUCCESS"
    assert outcome.output == f"dev cab {google.registry.url}\n"


@pytest.mark.parametrize(
    ("bound", "status", "says"),
    [
        (COMMIT_OF_MESSAGE, "SUCCESS", "dev abc\n"),
        ({}, "FAILURE", "the substitution _COMMIT is missing\n"),
        (
            {**COMMIT_OF_MESSAGE, "_MODELS": "all"},
            "FAILURE",
            "the substitution _MODELS is given and never used\n",
        ),
    ],
    ids=["what it takes", "too little", "too much"],
)
def test_a_message_runs_the_recipe_of_main_with_what_its_trigger_gives(
    scratch, google, recipes, bound, status, says
):
    text = recipe("-c", "print('${_STAGE}', '${_COMMIT}')")
    commit = scratch.commit(text)
    google.main = lambda: commit
    topic = google.add_topic("p", "dev-image")
    google.add_trigger(
        "p",
        "l",
        "dev-image",
        substitutions={"_STAGE": "dev", **bound},
        pubsubConfig={"topic": topic},
    )

    message = {"attributes": {"commit": "abc"}}
    post(google, f"/pubsub/v1/{topic}:publish", {"messages": [message]})

    build = ended(google)
    outcome = recipes.outcomes[build["name"]]
    assert build["status"] == status
    assert build["substitutions"]["COMMIT_SHA"] == commit
    assert outcome.output.endswith(says)
