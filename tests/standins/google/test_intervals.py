"""Cloud Monitoring in the stand-in refuses the same times and aligners as Google."""

from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest

from tests.standins.google.apis import GoogleApis
from tests.standins.google.question import ask

ONLINE = "aiplatform.googleapis.com/prediction/online"
NAMES = {
    "metric": "filter",
    "start": "interval.startTime",
    "end": "interval.endTime",
    "period": "aggregation.alignmentPeriod",
    "aligner": "aggregation.perSeriesAligner",
}
QUESTION = {
    "filter": f'metric.type="{ONLINE}/error_count"',
    "interval.startTime": "2026-01-01T00:00:00Z",
    "interval.endTime": "2026-01-01T00:05:00Z",
    "aggregation.alignmentPeriod": "300s",
    "aggregation.perSeriesAligner": "ALIGN_DELTA",
}


@pytest.fixture
def google() -> Iterator[GoogleApis]:
    with GoogleApis() as google:
        google.measure(f"{ONLINE}/error_count", 3)
        google.measure(f"{ONLINE}/prediction_latencies", 12.5)
        google.measure(f"{ONLINE}/replicas", 2)
        yield google


def ask_for(google: GoogleApis, **changes: str) -> tuple[int, dict]:
    parameters = {NAMES[name]: value for name, value in changes.items()}
    query = urlencode({**QUESTION, **parameters})
    return ask(google, "GET", f"monitoring/v3/projects/p/timeSeries?{query}")


def of(metric: str) -> str:
    return f'metric.type="{ONLINE}/{metric}"'


@pytest.mark.parametrize(
    ("metric", "aligner", "kind"),
    [
        ("error_count", "ALIGN_DELTA", "DELTA"),
        ("error_count", "ALIGN_NONE", "DELTA"),
        ("prediction_latencies", "ALIGN_PERCENTILE_99", "GAUGE"),
        ("replicas", "ALIGN_SUM", "GAUGE"),
    ],
)
def test_an_aligner_that_fits_the_metric_says_what_kind_comes_out(google, metric, aligner, kind):
    status, answer = ask_for(google, metric=of(metric), aligner=aligner)

    [series] = answer["timeSeries"]
    assert status == 200
    assert series["metricKind"] == kind


@pytest.mark.parametrize(
    ("metric", "aligner", "kind"),
    [
        ("replicas", "ALIGN_DELTA", "kind GAUGE and value type DOUBLE"),
        ("error_count", "ALIGN_PERCENTILE_99", "kind DELTA and value type INT64"),
    ],
)
def test_an_aligner_that_does_not_fit_is_refused_in_google_s_words(google, metric, aligner, kind):
    status, answer = ask_for(google, metric=of(metric), aligner=aligner)

    assert status == 400
    assert f"cannot be applied to metrics with {kind}" in answer["error"]["message"]


@pytest.mark.parametrize(
    "changes",
    [
        {"period": "59s"},
        {"period": ""},
        {"period": "300"},
        {"start": "2026-01-01T00:05:00Z"},
        {"start": "2026-01-01T00:06:00Z"},
        {"start": "2026-01-01 00:00:00"},
        {"end": "2026-01-01T00:05:00"},
        {"end": "2026-01-01T00:05:00.0123456789Z"},
    ],
)
def test_times_and_periods_that_google_refuses_are_refused(google, changes):
    status, _ = ask_for(google, **changes)

    assert status == 400


def test_an_aligner_that_the_stand_in_does_not_know_is_no_wrong_answer(google):
    status, _ = ask_for(google, aligner="ALIGN_STDDEV")

    assert status == 501


def at(hour: int, day: int = 1) -> datetime:
    return datetime(2026, 1, day, hour, tzinfo=UTC)


def test_points_with_times_are_added_up_by_the_period_the_newest_first(google):
    answers = f"{ONLINE}/response_count"
    for hour, count in ((0, 1), (1, 2), (12, 4), (23, 8)):
        google.measure(answers, count, at=at(hour), response_code="2xx")
    google.measure(answers, 16, at=at(0, day=3), response_code="2xx")

    status, answer = ask_for(
        google,
        metric=of("response_count"),
        start="2026-01-01T00:00:00Z",
        end="2026-01-03T00:00:00Z",
        period="86400s",
    )

    [series] = answer["timeSeries"]
    values = [point["value"]["int64Value"] for point in series["points"]]
    assert status == 200
    assert values == ["16", "14"]
    assert series["metric"]["labels"] == {"response_code": "2xx"}


def test_a_period_without_a_point_has_none(google):
    google.measure(f"{ONLINE}/response_count", 1, at=at(1), response_code="2xx")

    _, answer = ask_for(
        google,
        metric=of("response_count"),
        start="2026-01-01T02:00:00Z",
        end="2026-01-02T00:00:00Z",
    )

    assert answer == {}


@pytest.mark.parametrize(
    ("metric", "labels"),
    [
        ("response_count", {}),
        ("response_count", {"response_code": "200"}),
        ("error_count", {"response_code": "5xx"}),
    ],
)
def test_a_series_that_vertex_does_not_have_cannot_be_measured(google, metric, labels):
    with pytest.raises(ValueError, match=metric):
        google.measure(f"{ONLINE}/{metric}", 1, **labels)


@pytest.mark.parametrize(
    ("metric", "code"),
    [("response_count", "200"), ("response_count", "5XX"), ("error_count", "5xx")],
)
def test_a_filter_on_a_code_that_the_metric_does_not_have_is_no_empty_answer(google, metric, code):
    question = f'{of(metric)} AND metric.labels.response_code="{code}"'

    status, _ = ask_for(google, metric=question)

    assert status == 400


def test_series_are_not_reduced_behind_the_caller_s_back(google):
    question = {**QUESTION, "aggregation.crossSeriesReducer": "REDUCE_SUM"}

    status, _ = ask(google, "GET", f"monitoring/v3/projects/p/timeSeries?{urlencode(question)}")

    assert status == 501
