"""A delivery publishes, runs, releases and records a commit's models.

Interrupted or run again it goes on, and does nothing twice.
"""

import json
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from environments import ENVIRONMENTS
from pipeline.delivery import deployment, git, pushed_commit, record_object, releases, withdrawal
from pipeline.delivery.record import EMPTY, Images, Push, delivered
from pipeline.delivery.rollout import Rollout
from pipeline.errors import ConfigurationError, RunError
from pipeline.gcp import artifact_registry, pipeline_jobs
from pipeline.gcp.stage import Stage
from settings import REPOSITORY, Serving
from tests.pipeline.delivery.conftest import DEV, FIRST, FULL, listen, promotions
from tests.pipeline.delivery.ended_jobs import Vertex
from tests.standins.google.faults import LOST, Fault

WARM = replace(DEV, serving=Serving(keep_warm=True, step_minutes=0, traffic_steps=(50, 100)))
STAGING = ENVIRONMENTS["staging"]
TAG = "built"
pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture
def commit():
    """The checked-out commit."""
    head = git.commit(REPOSITORY, "HEAD")
    assert head
    return head


@pytest.fixture
def pipelines(google, blob, commit):
    """Vertex, the commit's images in dev's registry, the next stage's trigger, a pushed commit."""
    for target in ("pipeline", "serving"):
        google.registry.put_image(
            DEV.names.image(target).partition("/")[2], revision=commit, tag=TAG
        )
    listen(google, STAGING)
    google.main = lambda: commit
    pushed(commit)
    return Vertex(google)


def pushed(commit: str, models=("cab",)) -> None:
    push = Push(commit=commit, recipe="image", models=models, at=datetime.now(UTC), build="1")
    record_object.update(Stage(WARM), lambda record: replace(record, pushed=push))


def deliver(commit, tag=TAG, settings=WARM, models=("cab",), observer=lambda *_: None):
    rollout = Rollout(Stage(settings), None, (Stage(STAGING),), commit, observer)
    return pushed_commit.deliver(rollout, list(models), tag)


def test_a_delivery_ends_with_a_version_that_serves_the_record_of_it_and_the_next_stage_asked(
    google, pipelines, commit
):
    [verdict] = deliver(commit)

    assert verdict.model == "cab"
    assert verdict.state == "delivered"
    assert verdict.reason == "version 1 serves"
    record = record_object.read(Stage(WARM))
    current = record.models["cab"].current
    assert record.commit == commit
    assert record.images == current.images
    assert current.registry_version == "1"
    assert current.run.endswith(pipelines.jobs[0]["name"].split("/")[-1])
    assert releases.endpoint_of(Stage(WARM), "cab").shares() == {current.deployed_model: 100}
    assert current.passed.traffic_steps == (50, 100)
    assert promotions(google) == [(commit, "cab")]


def test_a_job_runs_as_the_pipeline_s_account_with_labels_and_its_own_schema_s_key(
    pipelines, commit
):
    deliver(commit)

    [job] = pipelines.jobs
    assert job["serviceAccount"] == DEV.names.service_account_email("pipeline")
    labels = {"managed-by": "esteira", "environment": "dev", "model": "cab", "commit": commit}
    assert labels.items() <= job["labels"].items()
    assert (
        job["pipelineSpec"]["schemaVersion"] == "2.1.0" and "parameters" not in job["runtimeConfig"]
    )


def test_the_recorded_images_bear_a_tag_that_the_cleanup_spares(google, pipelines, commit):
    deliver(commit)

    digest = record_object.read(Stage(WARM)).images.pipeline
    response = artifact_registry.Image(Stage(WARM), "pipeline").ask(
        "GET", f"manifests/recorded-{digest[7:19]}"
    )
    assert response.headers["docker-content-digest"] == digest


def test_a_delivery_that_is_run_again_does_nothing_twice(google, pipelines, commit):
    deliver(commit)
    first_objects = dict(google.objects)

    [verdict] = deliver(commit)

    assert verdict.state == "delivered"
    assert len(pipelines.jobs) == 1
    asked_again = {
        key for key in google.objects if "/builds/" in key[1]
    }  # the next stage finds that it has it
    assert set(google.objects) - asked_again == set(first_objects) - asked_again
    assert record_object.read(Stage(WARM)).models["cab"].before is None


@pytest.mark.parametrize(
    "step", ["cab publish", "cab compile", "cab submit", "dev-cab 50 %", "ask staging"]
)
def test_a_delivery_that_was_interrupted_at_any_step_goes_on(
    google, pipelines, commit, served, step
):
    def interrupting(node, state):
        if node.startswith(step) and state == "running":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        deliver(commit, observer=interrupting)

    [verdict] = deliver(commit)

    assert verdict.state == "delivered"
    assert len(pipelines.jobs) == 1
    current = record_object.read(Stage(WARM)).models["cab"].current
    assert current.registry_version == "2"
    assert releases.endpoint_of(Stage(WARM), "cab").shares() == {current.deployed_model: 100}
    assert promotions(google)


@pytest.fixture
def served(google, pipelines):
    """The traffic's shares, of a version of another commit."""
    releases.vertex_pusher.push(
        "gs://b/models/0", deployment.destination(Stage(WARM), "cab", FIRST.images)
    )
    endpoint = releases.endpoint_of(Stage(WARM), "cab")
    older = replace(FIRST, commit="d" * 40, deployed_model=endpoint.deployed()["1"])
    record_object.update(
        Stage(WARM),
        lambda record: replace(
            delivered(record, "cab", older), commit="d" * 40, images=FIRST.images
        ),
    )
    return endpoint.shares()


def test_a_lost_answer_to_the_submission_makes_no_second_job(google, pipelines, commit):
    google.faults.append(Fault("POST", r"/pipelineJobs\?", LOST))

    deliver(commit)

    assert google.faults == []
    assert len(pipelines.jobs) == 1


@pytest.mark.parametrize("answer", [429, 503])
def test_a_submission_that_is_refused_for_now_is_tried_again(google, pipelines, commit, answer):
    google.faults.append(Fault("POST", r"/pipelineJobs\?", answer))

    [verdict] = deliver(commit)

    assert google.faults == []
    assert verdict.state == "delivered"


def test_a_refused_submission_is_the_model_s_failure_and_told_to_who_watches(
    google, pipelines, commit
):
    google.faults.append(Fault("POST", r"/pipelineJobs\?", 403))

    [verdict] = deliver(commit)

    assert verdict.state == "failed" and "`make doctor env=dev`" in verdict.reason
    assert [entry["jsonPayload"]["event"] for entry in google.entries] == ["run_failed"]
    assert record_object.read(Stage(WARM)).commit is None
    assert promotions(google) == []


def test_a_failed_run_keeps_the_commit_due_and_is_run_anew_the_next_time(google, pipelines, commit):
    pipelines.verdict = "failed"
    [verdict] = deliver(commit)
    assert verdict.state == "failed"
    assert "failed at Trainer: out of memory" in verdict.reason
    assert record_object.read(Stage(WARM)).commit is None

    pipelines.verdict = "succeeded"
    [verdict] = deliver(commit)

    assert verdict.state == "delivered"
    assert [job["name"][-2:] for job in pipelines.jobs] == ["-1", "-2"]


def test_a_refused_model_ends_its_delivery_keeps_the_old_one_and_is_told(
    google, pipelines, commit, served
):
    pipelines.verdict = "refused"

    [verdict] = deliver(commit)

    assert verdict.state == "not blessed"
    assert [entry["jsonPayload"]["event"] for entry in google.entries] == ["not_blessed"]
    assert releases.endpoint_of(Stage(WARM), "cab").shares() == served
    assert record_object.read(Stage(WARM)).models["cab"].current.commit == "d" * 40
    assert record_object.read(Stage(WARM)).commit == commit  # it has had its answer


def test_a_version_that_fails_its_smoke_test_leaves_the_old_one_serving(
    google, pipelines, commit, served
):
    google.answers["2"] = lambda _: (500, {})

    [verdict] = deliver(commit)

    assert verdict.state == "failed"
    assert "Google answered 500" in verdict.reason
    assert releases.endpoint_of(Stage(WARM), "cab").shares() == served
    assert record_object.read(Stage(WARM)).models["cab"].current.commit == "d" * 40


def test_where_nothing_is_kept_warm_the_version_leaves_its_machines_after_its_smoke_test(
    google, pipelines, commit
):
    cold = replace(WARM, serving=Serving())

    [verdict] = deliver(commit, settings=cold)

    assert verdict.state == "delivered"
    assert releases.endpoint_of(Stage(cold), "cab").deployed() == {}
    current = record_object.read(Stage(cold)).models["cab"].current
    assert current.deployed_model is None
    assert current.passed.smoke is True
    assert current.passed.traffic_steps == ()


def test_a_later_push_takes_the_place_of_a_delivery_that_has_not_released_yet(
    google, pipelines, commit
):
    def overtaking(node, state):
        if node == "cab submit" and state == "finished":
            pushed("e" * 40)

    [verdict] = deliver(commit, observer=overtaking)

    assert verdict.state == "superseded"
    assert f"{'e' * 12} was pushed after {commit[:12]}" in verdict.reason

    assert record_object.read(Stage(WARM)).models == {}


def test_a_retraining_of_one_model_does_not_end_a_push_that_has_failed_for_another(
    google, pipelines, commit
):
    pushed(commit, models=("ferry", "cab"))
    deliver(commit)  # and ferry failed: the commit is not closed
    assert record_object.read(Stage(WARM)).commit is None
    digest = record_object.read(Stage(WARM)).models["cab"].current.images.pipeline
    assert (
        artifact_registry.Image(Stage(WARM), "pipeline")
        .ask("HEAD", f"manifests/recorded-{digest[7:19]}")
        .ok
    )
    record_object.update(Stage(WARM), lambda record: replace(record, images=FIRST.images))

    [verdict] = deliver(commit, tag=None)

    record = record_object.read(Stage(WARM))
    assert verdict.state == "delivered"
    assert record.commit is None
    assert record.images == FIRST.images
    assert record.models["cab"].current.images != FIRST.images


def test_a_version_that_was_taken_back_does_not_return_by_itself(google, pipelines, commit, served):
    deliver(commit)
    withdrawal.rollback(Stage(WARM), "cab", lambda *_: None)

    [verdict] = deliver(commit)

    assert verdict.state == "failed"
    assert "version 2 of cab was taken back" in verdict.reason
    assert record_object.read(Stage(WARM)).models["cab"].current.registry_version == "1"


def test_a_cancelled_run_is_the_model_s_failure(google, pipelines, commit):
    pipelines.verdict = "cancelled"

    [verdict] = deliver(commit)

    assert verdict.state == "failed"
    assert "the run cancelled" in verdict.reason


def test_a_task_is_told_once_as_running_and_once_as_ended_however_its_states_go():
    def resource(**states):
        tasks = [
            SimpleNamespace(task_name=name, state=SimpleNamespace(name=state))
            for name, state in states.items()
        ]
        return SimpleNamespace(
            name="projects/p/pipelineJobs/run", job_detail=SimpleNamespace(task_details=tasks)
        )

    events, observed = [], {}
    for state in ("PENDING", "RUNNING", "CANCEL_PENDING", "CANCELLING", "CANCELLED", "CANCELLED"):
        observed = pipeline_jobs._observed(
            "cab",
            resource(Trainer=state),
            observed,
            lambda node, state: events.append((node, state)),
        )

    assert events == [("cab Trainer", "running"), ("cab Trainer", "cancelled")]


def test_what_was_not_pushed_is_not_delivered(google, pipelines, commit):
    record_object.update(Stage(WARM), lambda _: EMPTY)

    with pytest.raises(ConfigurationError, match="which was not pushed"):
        deliver(commit)
    assert pipelines.jobs == []


def test_a_commit_that_is_not_checked_out_is_refused(pipelines):
    with pytest.raises(
        ConfigurationError,
        match=(
            "--commit is dddddddddddddddddddddddddddddddddddddddd, allowed is the commit that "
            "is checked out"
        ),
    ):
        deliver("d" * 40)


def test_images_that_do_not_exist_or_are_of_another_commit_are_refused_and_nothing_is_started(
    google, pipelines, commit
):
    for target in ("pipeline", "serving"):
        google.registry.put_image(
            DEV.names.image(target).partition("/")[2], revision="f" * 40, tag="other"
        )

    with pytest.raises(ConfigurationError, match="--tag is 'nosuch', and there is no image"):
        deliver(commit, tag="nosuch")
    with pytest.raises(
        ConfigurationError, match=f"pipeline:other was built from {'f' * 40}, allowed is {commit}"
    ):
        deliver(commit, tag="other")
    assert pipelines.jobs == []


def test_recorded_images_that_the_registry_has_lost_stop_the_delivery(google, pipelines, commit):
    record_object.update(Stage(WARM), lambda record: replace(record, images=FULL.images))

    with pytest.raises(RunError, match=r"the image .*/pipeline@sha256:1+ is not there in mill-dev"):
        deliver(commit, tag=None)
    assert pipelines.jobs == []


def test_a_retraining_is_a_new_run_once_a_day_in_the_images_that_made_the_model(
    google, pipelines, commit
):
    deliver(commit)
    record_object.update(
        Stage(WARM),
        lambda record: replace(
            record, images=Images(pipeline=f"sha256:{'7' * 64}", serving=f"sha256:{'8' * 64}")
        ),
    )
    google.change("vertex_ai", pipelines.jobs[0]["name"], labels={"end": "20260101"})

    deliver(commit, tag=None)
    deliver(commit, tag=None)

    assert len(pipelines.jobs) == 2
    record = record_object.read(Stage(WARM)).models["cab"]
    assert record.current.registry_version == "2"
    assert record.before.registry_version == "1"
    assert record.current.images == record.before.images


def test_images_that_were_built_again_are_run_again(google, pipelines, commit):
    deliver(commit)
    for target in ("pipeline", "serving"):
        google.registry.put_image(
            DEV.names.image(target).partition("/")[2], revision=commit, tag="built-again"
        )

    deliver(commit, tag="built-again")

    assert [job["name"][-2:] for job in pipelines.jobs] == ["-1", "-2"]
    assert len({job["labels"]["image"] for job in pipelines.jobs}) == 2


def test_an_image_without_models_is_recorded_and_nothing_runs(google, pipelines, commit):
    pushed(commit, models=())

    assert deliver(commit, models=()) == []

    record = record_object.read(Stage(WARM))
    assert record.commit == commit
    assert record.images is not None
    assert pipelines.jobs == []
    assert promotions(google) == []


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (
            lambda job: job["runtimeConfig"].update(
                gcsOutputDirectory="gs://mill-prod-prod-artifacts/x"
            ),
            "compiled for another environment",
        ),
        (
            lambda job: job["runtimeConfig"].update(parameters={}),
            "is of schema 2.1.0 and has runtimeConfig.parameters, allowed is parameterValues",
        ),
        (
            lambda job: job["pipelineSpec"].update(schemaVersion="2.0.0"),
            "has runtimeConfig.parameterValues, allowed is parameters",
        ),
        (
            lambda job: executor(job).update(image="x@sha256:" + "5" * 64),
            "runs Trainer_executor in x@sha256:5",
        ),
    ],
)
def test_a_job_that_is_not_this_environment_s_or_speaks_two_schemas_is_refused(spoil, says):
    job = {
        "displayName": "dev-cab",
        "runtimeConfig": {
            "gcsOutputDirectory": "gs://mill-dev-dev-artifacts/x",
            "parameterValues": {},
        },
        "pipelineSpec": {
            "schemaVersion": "2.1.0",
            "deploymentSpec": {"executors": {"Trainer_executor": {"container": {}}}},
        },
    }
    executor(job)["image"] = f"{DEV.names.image('pipeline')}@{FULL.images.pipeline}"
    assert pipeline_jobs.checked(job, Stage(DEV), FULL.images) == job
    spoil(job)

    with pytest.raises(ConfigurationError, match=says):
        pipeline_jobs.checked(job, Stage(DEV), FULL.images)


def executor(job):
    return job["pipelineSpec"]["deploymentSpec"]["executors"]["Trainer_executor"]["container"]


def test_the_verb_ends_with_3_for_a_refused_model_and_1_for_a_failed_run(
    google, pipelines, commit, cli
):
    for verdict, code in (("refused", 3), ("failed", 1)):
        pipelines.verdict = verdict
        google.change(
            "vertex_ai", pipelines.jobs[0]["name"], labels=None
        ) if pipelines.jobs else None
        result = cli(
            "deliver", "--env", "dev", "--commit", commit, "--models", "cab", "--tag", TAG, "--json"
        )
        assert result.code == code
        assert json.loads(result.out)[0]["model"] == "cab"


def test_an_unknown_model_is_refused(cli, commit):
    result = cli("deliver", "--env", "dev", "--commit", commit, "--models", "cab,nosuch")

    assert result.code == 2
    assert "--models names 'nosuch', allowed are all, none, or of cab, ferry" in result.sentence
