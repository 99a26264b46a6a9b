"""A retraining of several commits tells each build, and a second call starts what lacks."""

from dataclasses import replace

import pytest

from pipeline.delivery.record import EMPTY, delivered
from tests.pipeline.conftest import parsed
from tests.pipeline.delivery.conftest import FIRST, SECOND, builds, write_record
from tests.pipeline.delivery.pushed_commits import RUNS, request
from tests.standins.google.faults import PASSED, Fault

CAB = delivered(EMPTY, "cab", FIRST)
CAB_AND_FERRY = delivered(CAB, "ferry", replace(SECOND, registry_version="1"))
RETRAIN = ("push", "--env", "dev", "--retrain")


@pytest.fixture
def half_refused(cloud, dev):
    """Dev with models of two commits; of the two runs to come the second is refused."""
    write_record(dev, CAB_AND_FERRY)
    cloud.faults += [Fault("POST", RUNS, PASSED), Fault("POST", RUNS, 403)]
    return cloud


def retrained_models(cloud) -> list[str]:
    requests = [request(build) for build in builds(cloud)]
    return [fields["_MODELS"] for fields in requests]


def test_both_are_told_where_the_second_build_is_refused(half_refused, cli):
    result = cli(*RETRAIN, "--json")

    [build] = builds(half_refused)
    [cab, ferry] = parsed(result)
    expected_build = {"id": build["id"], "status": "QUEUED", "url": build["logUrl"]}
    error = ferry.pop("error")
    assert result.code == 1
    assert cab == {"models": ["cab"], "build": expected_build, "error": None, "reason": None}
    assert ferry == {"models": ["ferry"], "build": None, "reason": None}
    assert "the trigger dev-modules: Google refuses it" in error


def test_the_same_in_words(half_refused, cli):
    result = cli(*RETRAIN)

    [build] = builds(half_refused)
    text = result.out.strip()
    cab_line, ferry_line = text.splitlines()
    assert result.code == 1
    assert cab_line == f"cab: {build['logUrl']}"
    assert ferry_line.startswith("ferry: not started: the trigger dev-modules: Google refuses it")


def test_a_second_call_starts_what_lacks(half_refused, cli):
    first_result = cli(*RETRAIN, "--json")

    second_result = cli(*RETRAIN, "--json")

    first_cab, _ = parsed(first_result)
    second_cab, _ = parsed(second_result)
    assert second_result.code == 0
    assert second_cab == first_cab
    assert retrained_models(half_refused) == ["cab", "ferry"]


def test_what_has_ended_is_retrained_again(half_refused, cli):
    cli(*RETRAIN)
    [build] = builds(half_refused)
    half_refused.change("cloud_build", build["name"], status="FAILURE")

    cli(*RETRAIN)

    assert retrained_models(half_refused) == ["cab", "cab", "ferry"]
