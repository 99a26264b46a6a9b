"""An invalid delivery is refused before anything is started, and a refused model by its verdict."""

import pytest

from pipeline.delivery.record import EMPTY
from pipeline.errors import ConfigurationError, RunError
from pipeline.gcp import pipeline_jobs
from settings import REPOSITORY
from tests.pipeline.conftest import parsed
from tests.pipeline.delivery.conftest import (
    DEV,
    FULL,
    OLDER_COMMIT,
    edit_record,
    promotions,
    put_images,
    recorded_cab,
    write_record,
)
from tests.pipeline.delivery.deliveries import deliver, events
from tests.standins.cloud_build import recipe_file
from tests.standins.google.faults import Fault

UNKNOWN_COMMIT, OTHER_COMMIT = "d" * 40, "f" * 40
OTHER_IMAGE = f"x@sha256:{'5' * 64}"
pytestmark = pytest.mark.usefixtures("quick")


def test_what_was_not_pushed_is_not_delivered(pipelines, commit, warm):
    write_record(warm, EMPTY)

    with pytest.raises(ConfigurationError, match="which was not pushed"):
        deliver(commit)
    assert pipelines.jobs == []


def test_a_commit_that_is_not_checked_out_is_refused(pipelines):
    message = f"--commit is {UNKNOWN_COMMIT}, allowed is the commit that is checked out"

    with pytest.raises(ConfigurationError, match=message):
        deliver(UNKNOWN_COMMIT)


def test_images_that_do_not_exist_or_are_of_another_commit_are_refused_and_nothing_is_started(
    google, pipelines, commit
):
    put_images(google, OTHER_COMMIT, "other")
    message = f"pipeline:other was built from {OTHER_COMMIT}, allowed is {commit}"

    with pytest.raises(ConfigurationError, match="--tag is 'nosuch', and there is no image"):
        deliver(commit, tag="nosuch")
    with pytest.raises(ConfigurationError, match=message):
        deliver(commit, tag="other")
    assert pipelines.jobs == []


def test_recorded_images_that_the_registry_has_lost_stop_the_delivery(pipelines, commit, warm):
    edit_record(warm, images=FULL.images)

    with pytest.raises(RunError, match=r"the image .*/pipeline@sha256:1+ is not there in mill-dev"):
        deliver(commit, tag=None)
    assert pipelines.jobs == []


def deployment(image):
    """A job's deploymentSpec; its one executor runs in this image."""
    return {"executors": {"Trainer_executor": {"container": {"image": image}}}}


@pytest.mark.parametrize(
    ("part", "changes", "says"),
    [
        (
            "runtimeConfig",
            {"gcsOutputDirectory": "gs://mill-prod-prod-artifacts/x"},
            "compiled for another stage",
        ),
        (
            "runtimeConfig",
            {"parameters": {}},
            "is of schema 2.1.0 and has runtimeConfig.parameters, allowed is parameterValues",
        ),
        (
            "pipelineSpec",
            {"schemaVersion": "2.0.0"},
            "has runtimeConfig.parameterValues, allowed is parameters",
        ),
        (
            "pipelineSpec",
            {"deploymentSpec": deployment(OTHER_IMAGE)},
            "runs Trainer_executor in x@sha256:5",
        ),
    ],
)
def test_a_job_that_is_not_this_stage_s_or_speaks_two_schemas_is_refused(dev, part, changes, says):
    name = DEV.names.image("pipeline")
    image = f"{name}@{FULL.images.pipeline}"
    job = {
        "displayName": "dev-cab",
        "runtimeConfig": {
            "gcsOutputDirectory": "gs://mill-dev-dev-artifacts/x",
            "parameterValues": {},
        },
        "pipelineSpec": {"schemaVersion": "2.1.0", "deploymentSpec": deployment(image)},
    }
    assert pipeline_jobs.checked(job, dev, FULL.images) == job
    job[part].update(changes)

    with pytest.raises(ConfigurationError, match=says):
        pipeline_jobs.checked(job, dev, FULL.images)


def test_the_verb_ends_with_3_for_a_refused_model_and_1_for_a_failed_run(
    google, pipelines, commit, cli
):
    models = ("--models", "cab")
    arguments = ("deliver", "--env", "dev", "--commit", commit, *models, "--tag", "built", "--json")

    pipelines.verdict = "refused"
    refusal = cli(*arguments)
    [job] = pipelines.jobs
    google.change("vertex_ai", job["name"], labels=None)  # so that the next delivery runs its own
    pipelines.verdict = "failed"
    failure = cli(*arguments)

    [refused_model] = parsed(refusal)
    [failed_model] = parsed(failure)
    assert refusal.code == 3
    assert refused_model["model"] == "cab"
    assert failure.code == 1
    assert failed_model["model"] == "cab"


def delivery_of_the_recipe(commit):
    """What build/image.yaml calls in its last step, of the images `built`."""
    text = (REPOSITORY / "build/image.yaml").read_text()
    substitutions = {
        **dict.fromkeys(recipe_file.BUILT_IN, "-"),
        "COMMIT_SHA": commit,
        "_STAGE": "dev",
        "_MODELS": "cab",
    }
    *_, last = recipe_file.read(text, substitutions).steps
    _, _, _, *arguments, _ = last.command
    return [*arguments, "built"]


def test_the_recipe_s_build_succeeds_where_a_model_is_refused_and_the_event_is_told(
    google, pipelines, commit, served, warm, cli
):
    pipelines.verdict = "refused"

    result = cli(*delivery_of_the_recipe(commit))

    assert result.code == 0
    assert "cab: not blessed: the candidate was refused" in result.out
    assert events(google) == ["not_blessed"]
    assert recorded_cab(warm).current.commit == OLDER_COMMIT
    assert promotions(google) == []


def test_the_recipe_s_build_fails_where_the_refusal_can_t_be_told(google, pipelines, commit, cli):
    google.faults.append(Fault("POST", "entries:write", 403))
    pipelines.verdict = "refused"

    result = cli(*delivery_of_the_recipe(commit))

    assert result.code == 1


def test_the_recipe_s_build_fails_with_a_failed_run(pipelines, commit, cli):
    pipelines.verdict = "failed"

    result = cli(*delivery_of_the_recipe(commit))

    assert result.code == 1


def test_an_unknown_model_is_refused(cli, commit):
    result = cli("deliver", "--env", "dev", "--commit", commit, "--models", "cab,nosuch")

    assert result.code == 2
    assert "--models names 'nosuch', allowed are all, none, or of cab, ferry" in result.sentence
