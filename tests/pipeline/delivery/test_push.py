"""A push hands a commit of main to its trigger once.

Repeated and concurrent pushes start one build, also where an answer is lost.
"""

import threading
from datetime import UTC, datetime, timedelta

import pytest

from pipeline.delivery import pushes, record_object
from pipeline.delivery.record import Push
from pipeline.errors import UnreachableError
from tests.pipeline.delivery.conftest import BEGIN, builds, edit_record
from tests.pipeline.delivery.pushed_commits import (
    RUNS,
    push,
    pushed,
    record_commit,
    request,
    trigger_names,
)
from tests.standins.google.faults import LOST, Fault


@pytest.fixture
def delivered(main, dev):
    """A first commit, delivered."""
    commit = pushed(main, BEGIN)
    record_commit(dev, commit)
    return commit


def test_the_first_push_builds_the_image_and_delivers_every_model_of_exactly_that_commit(
    main, cloud, dev
):
    commit = pushed(main, BEGIN)

    result = push(main)

    [build] = builds(cloud)
    record = record_object.read(dev)
    assert result.started is True
    assert result.build.id == build["id"]
    assert result.build.url == build["logUrl"]
    assert request(build) == {"COMMIT_SHA": commit, "_MODELS": "cab", "TRIGGER_NAME": "dev-image"}
    assert build["substitutions"]["_STAGE"] == "dev"
    assert record.pushed.build == build["id"]


def test_a_model_s_edit_goes_to_the_modules_trigger_with_that_model(main, cloud, delivered):
    commit = pushed(main, {"models/cab/model.py": "edited"})

    push(main)

    [build] = builds(cloud)
    assert request(build) == {"COMMIT_SHA": commit, "_MODELS": "cab", "TRIGGER_NAME": "dev-modules"}


def test_an_image_without_models_says_none_since_cloud_build_can_t_tell_empty_from_missing(
    main, cloud, delivered
):
    pushed(main, {"pipeline/reports/report.py": "blue"})

    push(main)

    [build] = builds(cloud)
    assert build["substitutions"]["_MODELS"] == "none"


def test_a_change_that_reaches_nothing_starts_nothing(main, cloud, delivered):
    pushed(main, {"README.md": "edited"})

    result = push(main)

    assert result.started is False
    assert result.message.startswith("nothing to deliver:")
    assert builds(cloud) == []


def test_a_second_push_of_a_commit_starts_nothing_and_tells_the_first_s_build(main, cloud):
    pushed(main, BEGIN)
    first = push(main)

    second = push(main)

    assert second.started is False
    assert second.build.id == first.build.id
    assert len(builds(cloud)) == 1
    assert second.message.endswith("nothing is started, --again does")


def test_again_starts_a_second_build_of_a_commit(main, cloud):
    pushed(main, BEGIN)
    push(main)

    result = push(main, again=True)

    assert result.started
    assert trigger_names(cloud) == ["dev-image", "dev-image"]


def test_again_starts_what_delivered_a_commit_once_more(main, cloud, dev):
    commit = pushed(main, BEGIN)
    push(main)
    record_commit(dev, commit)

    result = push(main)
    result_of_again = push(main, again=True)

    assert not result.started
    assert result_of_again.started
    assert trigger_names(cloud) == ["dev-image", "dev-image"]


def test_a_build_that_may_have_been_started_keeps_its_claim(main, cloud, dev, monkeypatch):
    commit = pushed(main, BEGIN)
    lost_answer = Fault("POST", RUNS, LOST)
    cloud.faults += [lost_answer] * 99
    with monkeypatch.context() as patch:
        patch.setattr(pushes.cloud_build, "patiently", lambda call: call())
        with pytest.raises(UnreachableError):
            push(main)
    cloud.faults.clear()

    result = push(main)

    record = record_object.read(dev)
    assert record.pushed.commit == commit
    assert result.started is False
    assert len(builds(cloud)) == 1


def test_two_pushes_at_once_start_one_build(main, cloud):
    pushed(main, BEGIN)
    results = []
    together = threading.Barrier(2)

    def push_together():
        together.wait()
        result = push(main)
        results.append(result)

    threads = [threading.Thread(target=push_together) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    started = [result.started for result in results]
    assert sorted(started) == [False, True]
    assert len(builds(cloud)) == 1


def test_what_a_failed_delivery_held_is_part_of_the_next_push(main, cloud, delivered):
    pushed(main, {"pipeline/job/dag.py": "edited"})
    push(main)  # and its delivery fails: the record's commit stays
    pushed(main, {"models/cab/model.py": "edited"})

    push(main)

    assert trigger_names(cloud) == ["dev-image", "dev-image"]


@pytest.mark.parametrize("how", ["superseded", "delivered"])
def test_a_push_that_comes_late_starts_nothing(main, cloud, dev, how):
    late = pushed(main, BEGIN)
    newer = pushed(main, {"models/cab/model.py": "edited"})
    if how == "superseded":
        push(main, newer)
    else:
        record_commit(dev, newer)
    first_builds = builds(cloud)

    result = push(main, late)

    assert result.started is False
    assert len(builds(cloud)) == len(first_builds)
    assert newer[:12] in result.message


def test_a_push_that_died_before_it_started_a_build_is_taken_over(main, cloud, dev):
    commit = pushed(main, BEGIN)
    hour_ago = datetime.now(UTC) - timedelta(hours=1)
    abandoned_push = Push(commit=commit, recipe="image", models=("cab",), at=hour_ago, build=None)
    edit_record(dev, pushed=abandoned_push)

    result = push(main)

    assert result.started


def test_a_push_that_may_still_be_starting_its_build_is_waited_for(main, cloud, dev):
    commit = pushed(main, BEGIN)
    now = datetime.now(UTC)
    unfinished_push = Push(commit=commit, recipe="image", models=("cab",), at=now, build=None)
    edit_record(dev, pushed=unfinished_push)

    result = push(main)

    assert result.started is False
    assert "is being pushed by someone else" in result.message
    assert builds(cloud) == []


@pytest.mark.parametrize("answer", [429, 503, LOST])
def test_one_build_is_started_where_the_call_is_refused_for_now_or_its_answer_is_lost(
    main, cloud, answer
):
    pushed(main, BEGIN)
    fault = Fault("POST", RUNS, answer)
    cloud.faults.append(fault)

    result = push(main)

    [build] = builds(cloud)
    assert cloud.faults == []
    assert build["id"] == result.build.id
