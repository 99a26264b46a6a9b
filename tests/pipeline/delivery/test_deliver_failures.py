"""A failed, refused or overtaken delivery leaves the served version in place."""

import pytest

from pipeline.delivery import record_object, withdrawal
from tests.pipeline.delivery.conftest import OLDER_COMMIT, promotions, record_push, recorded_cab
from tests.pipeline.delivery.deliveries import attempts, deliver, events
from tests.standins.google.faults import Fault

NEWER_COMMIT = "e" * 40
pytestmark = pytest.mark.usefixtures("quick")


def test_a_refused_submission_is_the_model_s_failure_and_told_to_who_watches(
    google, pipelines, commit, warm
):
    fault = Fault("POST", r"/pipelineJobs\?", 403)
    google.faults.append(fault)

    [verdict] = deliver(commit)

    record = record_object.read(warm)
    assert verdict.state == "failed"
    assert "`make doctor env=dev`" in verdict.reason
    assert events(google) == ["run_failed"]
    assert record.commit is None
    assert promotions(google) == []


def test_a_failed_run_keeps_the_commit_due_and_is_run_anew_the_next_time(pipelines, commit, warm):
    pipelines.verdict = "failed"
    [verdict] = deliver(commit)
    record = record_object.read(warm)
    assert verdict.state == "failed"
    assert "failed at Trainer: out of memory" in verdict.reason
    assert record.commit is None

    pipelines.verdict = "succeeded"
    [verdict] = deliver(commit)

    assert verdict.state == "delivered"
    assert attempts(pipelines) == ["-1", "-2"]


def test_a_refused_model_ends_its_delivery_keeps_the_old_one_and_is_told(
    google, pipelines, commit, warm, endpoint, served
):
    pipelines.verdict = "refused"

    [verdict] = deliver(commit)

    record = record_object.read(warm)
    assert verdict.state == "not blessed"
    assert events(google) == ["not_blessed"]
    assert endpoint.shares() == served
    assert record.models["cab"].current.commit == OLDER_COMMIT
    assert record.commit == commit  # it has had its answer


def test_a_version_that_fails_its_smoke_test_leaves_the_old_one_serving(
    google, pipelines, commit, warm, endpoint, served
):
    google.answers["2"] = lambda _: (500, {})

    [verdict] = deliver(commit)

    assert verdict.state == "failed"
    assert "Google answered 500" in verdict.reason
    assert endpoint.shares() == served
    assert recorded_cab(warm).current.commit == OLDER_COMMIT


def test_a_later_push_takes_the_place_of_a_delivery_that_has_not_released_yet(
    pipelines, commit, warm
):
    def overtaking(node, state):
        if node == "cab submit" and state == "finished":
            record_push(warm, NEWER_COMMIT)

    [verdict] = deliver(commit, observer=overtaking)

    record = record_object.read(warm)
    assert verdict.state == "superseded"
    assert f"{NEWER_COMMIT[:12]} was pushed after {commit[:12]}" in verdict.reason
    assert record.models == {}


def test_a_version_that_was_taken_back_does_not_return_by_itself(pipelines, commit, warm, served):
    deliver(commit)
    withdrawal.rollback(warm, "cab", lambda *_: None)

    [verdict] = deliver(commit)

    assert verdict.state == "failed"
    assert "version 2 of cab was taken back" in verdict.reason
    assert recorded_cab(warm).current.registry_version == "1"


def test_a_cancelled_run_is_the_model_s_failure(pipelines, commit):
    pipelines.verdict = "cancelled"

    [verdict] = deliver(commit)

    assert verdict.state == "failed"
    assert "the run cancelled" in verdict.reason
