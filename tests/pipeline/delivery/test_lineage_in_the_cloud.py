"""Where versions serve in each stage, and which run made one, by what a stage keeps."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from pipeline.delivery import history
from pipeline.gcp.endpoints import endpoint_of
from pipeline.gcp.stage import Stage
from pipeline.lineage import cloud_servings, cloud_versions
from tests.pipeline.delivery.conftest import FIRST, STAGING, WARM, add_delivery, push_version
from tests.standins.google.faults import Fault

SECOND = timedelta(seconds=1)


@pytest.fixture
def released(google, warm) -> dict[str, str]:
    """The deployed models of two versions, by the version; the second took over in two steps."""
    first, second = push_version(warm, "1"), push_version(warm, "2")
    endpoint = endpoint_of(warm, "cab")
    for shares in ({first: 100}, {first: 50, second: 50}, {second: 100}):
        endpoint.split(shares)
        history.append(endpoint, "release")
    return {"1": first, "2": second}


def told(servings) -> list[tuple[str, int, bool]]:
    return [(each.version, each.share, each.end is None) for each in servings]


def test_a_serving_lasts_as_long_as_its_share_stays(released, warm):
    answer = cloud_servings.of_stages([warm], "cab")

    first, first_half, second_half, second = answer.servings
    assert told(answer.servings) == [
        ("1", 100, False),
        ("1", 50, False),
        ("2", 50, False),
        ("2", 100, True),
    ]
    assert first.end == first_half.begin == second_half.begin
    assert first_half.end == second.begin
    assert second.deployed_model == released["2"]
    assert second.endpoint == WARM.names.endpoint("cab")
    assert second.stage == "dev"
    assert answer.unread == []


def test_the_version_that_answered_at_a_time_is_known(released, warm):
    servings = cloud_servings.of_stages([warm], "cab").servings
    first, first_half, second_half, second = servings
    times = [first.begin - SECOND, first.begin, first_half.begin, datetime.now(UTC)]

    answered = [cloud_servings.at(servings, time) for time in times]

    assert answered == [[], [first], [first_half, second_half], [second]]


def test_traffic_that_somebody_moved_beside_the_deliveries_is_told_from_now_on(released, warm):
    endpoint_of(warm, "cab").split({released["1"]: 30, released["2"]: 70})

    servings = cloud_servings.of_stages([warm], "cab").servings

    open_servings = [serving for serving in told(servings) if serving[-1]]
    assert sorted(open_servings) == [("1", 30, True), ("2", 70, True)]


def test_a_clock_that_went_back_ends_no_serving_before_it_began(released, warm):
    endpoint = endpoint_of(warm, "cab")
    *_, last = cloud_servings.of_stages([warm], "cab").servings
    future = datetime.now(UTC) + 3600 * SECOND
    endpoint.split({released["1"]: 100})

    first, second = cloud_servings.as_served([replace(last, begin=future)], endpoint)

    assert (first.version, first.end) == ("2", future)
    assert (second.version, second.end) == ("1", None)


def test_a_stage_that_cannot_be_read_is_named_and_the_others_are_told(released, warm):
    answer = cloud_servings.of_stages([Stage(STAGING), warm], "cab")

    [unread] = answer.unread
    assert unread.stage == "staging"
    assert "the bucket" in unread.reason
    assert len(answer.servings) == 4


def test_an_endpoint_that_cannot_be_read_leaves_the_history(google, released, warm):
    google.faults.append(Fault("GET", "/endpoints/", 403))

    answer = cloud_servings.of_stages([warm], "cab")

    [unread] = answer.unread
    assert "Google refuses it" in unread.reason
    assert len(answer.servings) == 4


def test_the_record_tells_the_run_of_a_version(google, warm):
    add_delivery(warm, "cab", FIRST)

    assert cloud_versions.run_of_version(warm, "cab", "1") == "dev-cab-1"


def test_the_registry_tells_the_run_of_an_older_version(google, warm):
    push_version(warm, "first")
    push_version(warm, "pipelines/dev-cab/1/r7/Trainer_8/model/Format-Serving")

    assert cloud_versions.run_of_version(warm, "cab", "2") == "r7"
    assert cloud_versions.run_of_version(warm, "cab", "9") is None


def test_a_deployed_model_that_is_gone_is_known_by_the_history(google, released, warm):
    endpoint_of(warm, "cab").undeploy(released["1"])

    versions = cloud_versions.versions(warm, "cab")

    assert versions[released["1"]] == "1"
    assert versions[released["2"]] == "2"


def test_a_version_of_no_model_has_no_run(google, warm):
    add_delivery(warm, "cab", replace(FIRST, registry_version="3"))

    assert cloud_versions.run_of_version(warm, "ferry", "3") is None
