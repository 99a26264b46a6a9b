"""Cloud Logging and Cloud Monitoring in the stand-in: entries written, measurements read."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest

from tests.standins.google.apis import GoogleApis
from tests.standins.google.question import ask

WRITE = "logging/v2/entries:write"
SERIES = "monitoring/v3/projects/p/timeSeries"
ERRORS = "aiplatform.googleapis.com/prediction/online/error_count"
INTERVAL = {
    "interval.startTime": "2026-01-01T00:00:00Z",
    "interval.endTime": "2026-01-01T00:05:00.5Z",
}


@pytest.fixture
def google() -> Iterator[GoogleApis]:
    with GoogleApis() as google:
        yield google


def series(google: GoogleApis, asked: str, **interval: str) -> tuple[int, dict]:
    query = {
        "filter": asked,
        **(interval or INTERVAL),
        "aggregation.perSeriesAligner": "ALIGN_SUM",
        "aggregation.alignmentPeriod": "300s",
    }
    return ask(google, "GET", f"{SERIES}?{urlencode(query)}")


def test_entries_are_kept_in_order_and_filled_from_the_request(google):
    shared = {
        "logName": "projects/p/logs/releases",
        "resource": {"type": "global"},
        "labels": {"stage": "dev", "model": "-"},
    }
    own = {"logName": "projects/p/logs/other", "textPayload": "b", "labels": {"model": "cab"}}

    body = {**shared, "entries": [{"jsonPayload": {"a": 1}}, own]}
    answer = ask(google, "POST", WRITE, body)

    assert answer == (200, {})
    assert google.entries == [
        {**shared, "jsonPayload": {"a": 1}},
        {**own, "resource": {"type": "global"}, "labels": {"stage": "dev", "model": "cab"}},
    ]


@pytest.mark.parametrize("missing", ["logName", "resource"])
def test_an_entry_without_its_log_or_resource_is_refused_with_all_others(google, missing):
    whole = {"logName": "projects/p/logs/releases", "resource": {"type": "global"}}
    partial = dict(whole)
    del partial[missing]

    status, _ = ask(google, "POST", WRITE, {"entries": [whole, partial]})

    assert status == 400
    assert google.entries == []


def entry_at(time: datetime, id_: str = "a") -> dict:
    return {
        "logName": "projects/p/logs/x",
        "resource": {"type": "global"},
        "insertId": id_,
        "timestamp": f"{time:%Y-%m-%dT%H:%M:%S.%f}Z",
    }


def test_an_entry_of_one_time_and_id_is_kept_once(google):
    instant = datetime.now(UTC)
    first, other = entry_at(instant), entry_at(instant, "b")

    ask(google, "POST", WRITE, {"entries": [first]})
    ask(google, "POST", WRITE, {"entries": [first, other]})

    assert google.entries == [first, other]


@pytest.mark.parametrize("days", [-2, 31])
def test_an_entry_of_tomorrow_or_of_before_the_retention_is_refused(google, days):
    time = datetime.now(UTC) - timedelta(days=days)

    status, _ = ask(google, "POST", WRITE, {"entries": [entry_at(time)]})

    assert status == 400
    assert google.entries == []


def test_a_dry_run_keeps_no_entry(google):
    body = {
        "logName": "projects/p/logs/x",
        "resource": {"type": "global"},
        "entries": [{}],
        "dryRun": True,
    }

    ask(google, "POST", WRITE, body)

    assert google.entries == []


def test_a_measured_series_is_found_by_its_metric_and_labels(google):
    google.measure(ERRORS, 1, deployed_model_id="1", endpoint_id="7")
    google.measure(ERRORS, 2, deployed_model_id="1", endpoint_id="7")
    google.measure(ERRORS, 0.5, deployed_model_id="2", endpoint_id="7")
    google.measure(ERRORS, 9, deployed_model_id="1", endpoint_id="8")
    query = (
        f'metric.type="{ERRORS}" AND resource.type="aiplatform.googleapis.com/Endpoint" AND '
        'resource.labels.endpoint_id="7"'
    )

    status, both = series(google, query)
    _, narrowed = series(google, f'{query} AND metric.labels.deployed_model_id="1"')

    assert status == 200
    values = [entry["points"][0]["value"] for entry in both["timeSeries"]]
    assert values == [{"int64Value": "2"}, {"doubleValue": 0.5}]
    assert narrowed["timeSeries"] == [
        {
            "metric": {"type": ERRORS, "labels": {"deployed_model_id": "1"}},
            "resource": {
                "type": "aiplatform.googleapis.com/Endpoint",
                "labels": {"endpoint_id": "7"},
            },
            "metricKind": "DELTA",
            "valueType": "INT64",
            "points": [
                {
                    "interval": {
                        "startTime": "2026-01-01T00:00:00Z",
                        "endTime": "2026-01-01T00:05:00.5Z",
                    },
                    "value": {"int64Value": "2"},
                }
            ],
        }
    ]


def test_what_a_deployed_model_measures_is_of_its_endpoint(google):
    place = "projects/p/locations/us-central1"
    ask(google, "POST", f"vertex_ai/v1/{place}/endpoints?endpointId=7")
    ask(google, "POST", f"vertex_ai/v1/{place}/models:upload", {"model": {}, "modelId": "cab"})
    body = {"deployedModel": {"model": f"{place}/models/cab"}}
    _, operation = ask(google, "POST", f"vertex_ai/v1/{place}/endpoints/7:deployModel", body)
    deployed_model = operation["response"]["deployedModel"]
    google.measure(ERRORS, 1, deployed_model_id=deployed_model["id"])
    google.measure(ERRORS, 2, deployed_model_id="9")

    query = f'metric.type="{ERRORS}" AND resource.labels.endpoint_id="7"'
    _, answer = series(google, query)

    [entry] = answer["timeSeries"]
    assert entry["resource"]["labels"] == {"location": "us-central1", "endpoint_id": "7"}
    assert entry["points"][0]["value"] == {"int64Value": "1"}


@pytest.mark.parametrize(
    "other", ['metric.type="a"', f'metric.type="{ERRORS}" AND resource.type="global"']
)
def test_what_was_not_measured_is_an_empty_answer(google, other):
    google.measure(ERRORS, 1)

    answer = series(google, other)

    assert answer == (200, {})


@pytest.mark.parametrize(
    "asked",
    [
        "",
        f'metric.type="{ERRORS}" AND project="p"',
        'resource.type="global"',
        f"metric.type={ERRORS}",
    ],
)
def test_a_filter_that_monitoring_cannot_use_is_refused(google, asked):
    google.measure(ERRORS, 1)

    status, _ = series(google, asked)

    assert status == 400


def test_an_interval_needs_its_two_times(google):
    interval = {"interval.endTime": "2026-01-01T00:00:00Z"}

    status, _ = series(google, f'metric.type="{ERRORS}"', **interval)

    assert status == 400
