"""A listing goes on behind an empty page: the token alone announces more."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest

from environments import DEV
from pipeline.gcp import cloud_build
from pipeline.gcp.endpoints import METRICS, Endpoint, endpoint_of, measured
from pipeline.gcp.stage import Stage
from tests.standins.google.apis import GoogleApis
from tests.standins.google.faults import LOST, Fault

COMMIT = "c" * 40


@pytest.fixture
def google(google) -> GoogleApis:
    """Google with dev's trigger `modules`; its listings begin empty."""
    trigger = DEV.names.trigger("modules")
    google.add_trigger(DEV.project_id, DEV.region, trigger)
    google.begin_listings_empty()
    return google


@pytest.fixture
def dev() -> Stage:
    return Stage(DEV)


@pytest.fixture
def endpoint(google, dev) -> Endpoint:
    """The endpoint of cab."""
    id_ = DEV.names.endpoint("cab")
    dev.vertex.Endpoint.create(display_name="cab", endpoint_id=id_)
    return endpoint_of(dev, "cab")


def start(stage: Stage, models: str = "cab") -> cloud_build.Build:
    return cloud_build.start(stage, "modules", commit=COMMIT, models=models)


def paths(google: GoogleApis, pattern: str) -> list[str]:
    """The requests' paths with the pattern in them."""
    targets = [request.path for request in google.requests]
    return [target for target in targets if pattern in target]


def test_a_build_is_found(google, dev):
    new_build = start(dev)

    build = cloud_build.find(dev, "modules", COMMIT)

    assert build == new_build


def test_a_lost_answer_makes_no_second_build(google, dev):
    google.faults.append(Fault("POST", ":run", LOST))

    build = start(dev)

    names = [name for _, name in google.objects]
    builds = [name for name in names if "/builds/" in name]
    assert google.faults == []
    assert builds == [f"{dev.parent}/builds/{build.id}"]


def test_no_more_builds_are_read_than_are_looked_at(google, dev, monkeypatch):
    for _ in range(3):
        start(dev)
    newest_build = start(dev)
    monkeypatch.setattr(cloud_build, "LOOKED_AT", 1)
    google.requests.clear()

    build = cloud_build.find(dev, "modules", COMMIT)

    pages = paths(google, "/builds?")
    assert build == newest_build
    assert len(pages) == 2


def test_a_build_that_goes_on_is_found_by_its_models(google, dev):
    build = start(dev, models="cab,ferry")

    both = cloud_build.ongoing(dev, "modules", commit=COMMIT, models="cab,ferry")
    single = cloud_build.ongoing(dev, "modules", commit=COMMIT, models="cab")

    assert both == build
    assert single is None


def test_a_build_that_has_ended_does_not_go_on(google, dev):
    build = start(dev)
    google.change("cloud_build", f"{dev.parent}/builds/{build.id}", status="FAILURE")

    ongoing_build = cloud_build.ongoing(dev, "modules", commit=COMMIT, models="cab")

    assert ongoing_build is None


def test_a_trigger_is_run_by_its_region(google, dev):
    start(dev)

    [path] = paths(google, ":run")
    assert f"/locations/{DEV.region}/triggers/" in path


def test_measurements_are_read(google, endpoint):
    labels = {"deployed_model_id": "2", "endpoint_id": endpoint.resource.name}
    google.measure(f"{METRICS}/error_count", 5, **labels)
    began = datetime.now(UTC)

    values = measured(endpoint, "2", began, "error_count", "ALIGN_DELTA")

    assert values == [5.0]


@pytest.mark.parametrize("seconds", [0, 59.5, 300.2])
def test_the_interval_is_one_alignment_period_in_google_s_own_form(google, endpoint, seconds):
    began = datetime.now(UTC) - timedelta(seconds=seconds)

    measured(endpoint, "2", began, "error_count", "ALIGN_DELTA")

    [path, _] = paths(google, "timeSeries")
    parameters = dict(parse_qsl(urlsplit(path).query))
    start_text = parameters["interval.startTime"]
    end_text = parameters["interval.endTime"]
    begin, end = datetime.fromisoformat(start_text), datetime.fromisoformat(end_text)
    length_seconds = (end - begin).total_seconds()
    assert start_text.endswith("Z")
    assert end_text.endswith("Z")
    assert parameters["aggregation.alignmentPeriod"] == f"{length_seconds:.0f}s"
    assert length_seconds >= max(60, seconds)
    assert parameters["view"] == "FULL"
