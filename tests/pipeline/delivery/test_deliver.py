"""A delivery uploads, runs, releases and records a commit's models.

Interrupted or run again it goes on, and does nothing twice.
"""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from pipeline.delivery import record_object
from pipeline.delivery.record import Images
from pipeline.gcp import pipeline_jobs
from pipeline.gcp.endpoints import endpoint_of
from pipeline.gcp.stage import Stage
from settings import Serving
from tests.pipeline.delivery.conftest import (
    DEV,
    FIRST,
    WARM,
    edit_record,
    promotions,
    put_images,
    record_push,
    recorded_cab,
)
from tests.pipeline.delivery.deliveries import attempts, deliver, recorded_tag
from tests.standins.google.faults import LOST, Fault

OTHER_IMAGES = Images(pipeline=f"sha256:{'7' * 64}", serving=f"sha256:{'8' * 64}")
pytestmark = pytest.mark.usefixtures("quick")


def test_a_delivery_ends_with_a_version_that_serves_the_record_of_it_and_the_next_stage_asked(
    google, pipelines, commit, warm, endpoint
):
    [verdict] = deliver(commit)

    assert verdict.model == "cab"
    assert verdict.state == "delivered"
    assert verdict.reason == "version 1 serves, unverified"
    [job] = pipelines.jobs
    job_id = job["name"].split("/")[-1]
    record = record_object.read(warm)
    current = record.models["cab"].current
    assert record.commit == commit
    assert record.images == current.images
    assert current.registry_version == "1"
    assert current.run.endswith(job_id)
    assert current.passed.traffic_steps == (50, 100)
    assert endpoint.shares() == {current.deployed_model: 100}
    assert promotions(google) == [(commit, "cab")]


def test_a_job_runs_as_the_pipeline_s_account_with_labels_and_its_own_schema_s_key(
    pipelines, commit
):
    deliver(commit)

    [job] = pipelines.jobs
    job_labels = job["labels"]
    account = DEV.names.service_account_email("pipeline")
    labels = {"managed-by": "esteira", "environment": "dev", "model": "cab", "commit": commit}
    schema_version = job["pipelineSpec"]["schemaVersion"]
    assert job["serviceAccount"] == account
    assert labels.items() <= job_labels.items()
    assert schema_version == "2.1.0"
    assert "parameters" not in job["runtimeConfig"]


def test_the_recorded_images_bear_a_tag_that_the_cleanup_spares(pipelines, commit, warm):
    deliver(commit)

    record = record_object.read(warm)
    digest = record.images.pipeline
    response = recorded_tag(warm, digest)
    assert response.headers["docker-content-digest"] == digest


def test_a_delivery_that_is_run_again_does_nothing_twice(google, pipelines, commit, warm):
    deliver(commit)
    first_objects = google.objects

    [verdict] = deliver(commit)

    objects = google.objects
    new_names = [name for _, name in objects.keys() - first_objects.keys()]
    # the next stage is asked by a build, and finds that it has the model
    unexpected_names = [name for name in new_names if "/builds/" not in name]
    assert verdict.state == "delivered"
    assert len(pipelines.jobs) == 1
    assert unexpected_names == []
    assert first_objects.keys() <= objects.keys()
    assert recorded_cab(warm).before is None


@pytest.mark.parametrize(
    "step", ["cab upload", "cab compile", "cab submit", "dev-cab 50 %", "ask staging"]
)
def test_a_delivery_that_was_interrupted_at_any_step_goes_on(
    google, pipelines, commit, warm, endpoint, served, step
):
    def interrupting(node, state):
        if node.startswith(step) and state == "running":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        deliver(commit, observer=interrupting)

    [verdict] = deliver(commit)

    assert verdict.state == "delivered"
    assert len(pipelines.jobs) == 1
    current = recorded_cab(warm).current
    assert current.registry_version == "2"
    assert endpoint.shares() == {current.deployed_model: 100}
    assert promotions(google)


def test_a_lost_answer_to_the_submission_makes_no_second_job(google, pipelines, commit):
    fault = Fault("POST", r"/pipelineJobs\?", LOST)
    google.faults.append(fault)

    [verdict] = deliver(commit)

    assert google.faults == []
    assert verdict.state == "delivered"
    assert len(pipelines.jobs) == 1


@pytest.mark.parametrize("answer", [429, 503])
def test_a_submission_that_is_refused_for_now_is_tried_again(google, pipelines, commit, answer):
    fault = Fault("POST", r"/pipelineJobs\?", answer)
    google.faults.append(fault)

    [verdict] = deliver(commit)

    assert google.faults == []
    assert verdict.state == "delivered"


def test_where_nothing_is_kept_warm_the_version_leaves_its_machines_after_its_smoke_test(
    pipelines, commit
):
    settings = replace(WARM, serving=Serving())
    cold = Stage(settings)

    [verdict] = deliver(commit, settings=settings)

    endpoint = endpoint_of(cold, "cab")
    current = recorded_cab(cold).current
    assert verdict.state == "delivered"
    assert endpoint.deployed() == {}
    assert current.deployed_model is None
    assert current.passed.smoke is True
    assert current.passed.traffic_steps == ()


def test_a_retraining_of_one_model_does_not_end_a_push_that_has_failed_for_another(
    pipelines, commit, warm
):
    record_push(warm, commit, models=("ferry", "cab"))
    deliver(commit)  # and ferry failed: the commit is not closed
    first_record = record_object.read(warm)
    digest = first_record.models["cab"].current.images.pipeline
    assert first_record.commit is None
    assert recorded_tag(warm, digest).ok
    edit_record(warm, images=FIRST.images)

    [verdict] = deliver(commit, tag=None)

    record = record_object.read(warm)
    current = record.models["cab"].current
    assert verdict.state == "delivered"
    assert record.commit is None
    assert record.images == FIRST.images
    assert current.images != FIRST.images


def test_a_retraining_is_a_new_run_once_a_day_in_the_images_that_made_the_model(
    google, pipelines, commit, warm
):
    deliver(commit)
    edit_record(warm, images=OTHER_IMAGES)
    [job] = pipelines.jobs
    google.change("vertex_ai", job["name"], labels={"end": "20260101"})

    deliver(commit, tag=None)
    deliver(commit, tag=None)

    assert len(pipelines.jobs) == 2
    model = recorded_cab(warm)
    assert model.current.registry_version == "2"
    assert model.before.registry_version == "1"
    assert model.current.images == model.before.images


def test_images_that_were_built_again_are_run_again(google, pipelines, commit):
    deliver(commit)
    put_images(google, commit, "built-again")

    deliver(commit, tag="built-again")

    first_job, second_job = pipelines.jobs
    first_labels, second_labels = first_job["labels"], second_job["labels"]
    assert attempts(pipelines) == ["-1", "-2"]
    assert first_labels["image"] != second_labels["image"]


def test_an_image_without_models_is_recorded_and_nothing_runs(google, pipelines, commit, warm):
    record_push(warm, commit, models=())

    verdicts = deliver(commit, models=())

    record = record_object.read(warm)
    assert verdicts == []
    assert record.commit == commit
    assert record.images is not None
    assert pipelines.jobs == []
    assert promotions(google) == []


def run_with_trainer(state):
    """A run with its Trainer in this state."""
    task = SimpleNamespace(task_name="Trainer", state=SimpleNamespace(name=state))
    detail = SimpleNamespace(task_details=[task])
    return SimpleNamespace(name="projects/p/pipelineJobs/run", job_detail=detail)


def test_a_task_is_told_once_as_running_and_once_as_ended_however_its_states_go():
    events, observed = [], {}

    def observer(node, state):
        events.append((node, state))

    for state in ("PENDING", "RUNNING", "CANCEL_PENDING", "CANCELLING", "CANCELLED", "CANCELLED"):
        run = run_with_trainer(state)
        observed = pipeline_jobs._observed("cab", run, observed, observer)

    assert events == [("cab Trainer", "running"), ("cab Trainer", "cancelled")]
