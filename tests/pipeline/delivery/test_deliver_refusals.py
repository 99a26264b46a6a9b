"""An invalid delivery is refused before anything is started."""

import pytest

from pipeline.delivery.record import EMPTY
from pipeline.errors import ConfigurationError, RunError
from pipeline.gcp import pipeline_jobs
from tests.pipeline.conftest import parsed
from tests.pipeline.delivery.conftest import DEV, FULL, edit_record, put_images, write_record
from tests.pipeline.delivery.deliveries import deliver

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


def test_an_unknown_model_is_refused(cli, commit):
    result = cli("deliver", "--env", "dev", "--commit", commit, "--models", "cab,nosuch")

    assert result.code == 2
    assert "--models names 'nosuch', allowed are all, none, or of cab, ferry" in result.sentence
