"""A day is counted once, replaced as a whole, and read back as it was."""

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from google.api_core import exceptions

from pipeline.baseline import counting
from pipeline.baseline.content import Slice
from pipeline.errors import RunError
from pipeline.gcp import bigquery as jobs
from pipeline.monitoring.log import profiles
from pipeline.monitoring.log.profile_columns import PROFILES
from pipeline.monitoring.log.profile_table import ProfileTable
from tests.pipeline.monitoring import request_logs
from tests.pipeline.monitoring.request_logs import DAY

ROWS = 120
NEXT_DAY = DAY + timedelta(days=1)
CASH = Slice(column="payment_type", value="Cash")


@pytest.fixture(scope="module")
def baseline(small_baseline):
    return dataclasses.replace(small_baseline, slices=(CASH,))


@pytest.fixture(scope="module")
def log(bigquery, taxi):
    rows, scores = taxi.rows.slice(0, ROWS), taxi.scores[:ROWS]
    requests = request_logs.requests_of(rows, scores)
    tomorrow = request_logs.moved(requests[:20], 86_400)
    return request_logs.log(bigquery, [*requests, *tomorrow])


@pytest.fixture
def table():
    return f"{request_logs.DATASET}.profiles_{next(request_logs.NUMBERS)}"


def rows_of(client, table):
    [row] = client.query(f"SELECT COUNT(*) AS n FROM `{table}`").result()
    return row["n"]


def read(client, table, versions, **options):
    return profiles.read(client, table, "taxi", DAY, NEXT_DAY, versions, **options)


@pytest.fixture(scope="module")
def counted_day(bigquery, log, baseline):
    """A table with one day of the log, and what was counted."""
    table = f"{request_logs.DATASET}.profiles_of_a_day"
    counts = profiles.count(bigquery, log, table, "taxi", DAY, {"1": baseline})
    return table, counts["1"]


def test_a_stored_profile_is_read_back_as_it_was(bigquery, counted_day, baseline):
    table, counts = counted_day
    assert read(bigquery, table, {"1": baseline}) == {"1": {DAY: counts.whole}}


def test_a_slice_is_read_back_by_itself(bigquery, counted_day, baseline):
    table, counts = counted_day

    stored = read(bigquery, table, {"1": baseline}, part=CASH)

    assert 0 < stored["1"][DAY].instances < ROWS
    assert stored["1"][DAY] == counts.slices[CASH]


def test_days_add_up_to_a_window(bigquery, log, table, taxi, baseline):
    versions = {"1": baseline}
    for day in (DAY, NEXT_DAY):
        profiles.count(bigquery, log, table, "taxi", day, versions)

    stored = read(bigquery, table, versions)["1"]

    rows, scores = taxi.rows.slice(0, ROWS), taxi.scores[:ROWS]
    tomorrow = counting.profile(baseline, rows.slice(0, 20), scores[:20])
    window = counting.profile(baseline, rows, scores) + tomorrow
    total = stored[DAY] + stored[NEXT_DAY]
    assert total.columns["fare"].bins == window.columns["fare"].bins
    assert total.scores == window.scores


def test_a_day_that_is_counted_twice_is_kept_once(bigquery, log, table, baseline):
    versions = {"1": baseline}
    profiles.count(bigquery, log, table, "taxi", DAY, versions)
    once = rows_of(bigquery, table)

    profiles.count(bigquery, log, table, "taxi", DAY, versions)

    assert rows_of(bigquery, table) == once


def test_two_monitors_at_a_time_keep_a_day_once(bigquery, log, table, baseline):
    versions = {"1": baseline}
    profiles.count(bigquery, log, table, "taxi", DAY, versions)
    once = rows_of(bigquery, table)

    with ThreadPoolExecutor(2) as threads:
        counts = [
            threads.submit(profiles.count, bigquery, log, table, "taxi", DAY, versions)
            for _ in range(2)
        ]

    assert [count.exception() for count in counts] == [None, None]
    assert rows_of(bigquery, table) == once


def test_a_counted_day_leaves_other_days_and_models_alone(bigquery, log, table, baseline):
    versions = {"1": baseline}
    for model, day in (("taxi", DAY), ("taxi", NEXT_DAY), ("cab", DAY)):
        profiles.count(bigquery, log, table, model, day, versions)
    before = rows_of(bigquery, table)

    profiles.count(bigquery, "demo.log.nothing", table, "taxi", DAY, versions)

    assert rows_of(bigquery, table) == before
    assert read(bigquery, table, versions)["1"][NEXT_DAY].instances == 20


def test_a_day_without_versions_and_requests_keeps_nothing(bigquery, log, table, baseline):
    profiles.count(bigquery, log, table, "taxi", DAY, {"1": baseline})
    profiles.count(bigquery, "demo.log.nothing", table, "taxi", DAY, {})
    assert rows_of(bigquery, table) == 0


def test_profiles_of_a_model_trained_anew_are_not_mixed(bigquery, counted_day, baseline):
    table, _ = counted_day
    fewer = dataclasses.replace(baseline.columns["fare"].bins, edges=(5.0, 10.0))
    fare = dataclasses.replace(baseline.columns["fare"], bins=fewer)
    retrained = dataclasses.replace(baseline, columns={**baseline.columns, "fare": fare})

    assert read(bigquery, table, {"1": retrained}) == {"1": {}}
    assert profiles.due(bigquery, table, "taxi", [DAY], {"1": retrained}) == [DAY]


@pytest.mark.parametrize(("hours", "is_due"), [(2, True), (4, False)])
def test_a_day_counted_before_its_late_rows_came_is_due_again(
    bigquery, log, table, baseline, hours, is_due
):
    versions = {"1": baseline}
    midnight = datetime(NEXT_DAY.year, NEXT_DAY.month, NEXT_DAY.day, tzinfo=UTC)
    now = midnight + timedelta(hours=hours)
    profiles.count(bigquery, log, table, "taxi", DAY, versions, now=now)

    days = profiles.due(bigquery, table, "taxi", [DAY, NEXT_DAY], versions)

    assert (DAY in days) == is_due
    assert NEXT_DAY in days


def test_a_day_counted_by_other_bins_than_a_version_now_has_is_outdated(
    bigquery, log, table, baseline, small_baseline
):
    profiles.count(bigquery, log, table, "taxi", DAY, {"1": baseline})
    unsliced = {"1": dataclasses.replace(small_baseline, slices=())}

    other_bins = profiles.outdated(bigquery, table, "taxi", DAY, NEXT_DAY, unsliced)
    same_bins = profiles.outdated(bigquery, table, "taxi", DAY, NEXT_DAY, {"1": baseline})
    of_another_version = profiles.outdated(bigquery, table, "taxi", DAY, NEXT_DAY, {"2": baseline})

    assert other_bins == [DAY]
    assert same_bins == []
    assert of_another_version == []


def test_one_job_alone_reads_the_log_of_a_model_and_day(bigquery, taxi, table, baseline):
    rows, scores = taxi.rows.slice(0, 10), taxi.scores[:10]
    log = request_logs.log(bigquery, request_logs.requests_of(rows, scores))
    versions = {"1": baseline, "2": baseline, "3": dataclasses.replace(baseline, slices=())}

    profiles.count(bigquery, log, table, "taxi", DAY, versions)
    read(bigquery, table, versions)
    profiles.due(bigquery, table, "taxi", [DAY], versions)

    [job] = request_logs.jobs_reading(bigquery, log)
    assert job.labels == {
        "managed-by": "esteira",
        "model": "taxi",
        "day": "2026-11-20",
        "purpose": "count",
    }
    assert job.maximum_bytes_billed == jobs.MAXIMUM_BYTES


def test_the_table_is_partitioned_by_day_and_clustered_by_model(bigquery, table):
    ProfileTable(client=bigquery, name=table, model="taxi").prepare()
    made = bigquery.get_table(table)
    assert made.time_partitioning.field == "day"
    assert made.clustering_fields == ["model"]
    assert [(field.name, field.mode) for field in made.schema] == [
        (name, mode) for name, _, mode in PROFILES
    ]


REFUSALS = [
    (exceptions.NotFound("no table", errors=[{"reason": "notFound"}]), "finds no such thing"),
    (exceptions.Forbidden("no", errors=[{"reason": "accessDenied"}]), "refuses it to this account"),
    (exceptions.Forbidden("q", errors=[{"reason": "quotaExceeded"}]), "run it again later"),
    (
        exceptions.BadRequest("limit", errors=[{"reason": "bytesBilledLimitExceeded"}]),
        "partition the table",
    ),
    (exceptions.InternalServerError("oh\n\nJob ID: 7"), "answers 500: oh$"),
]


@pytest.mark.parametrize(("error", "sentence"), REFUSALS, ids=lambda value: type(value).__name__)
def test_a_refusal_of_bigquery_s_is_one_sentence(error, sentence):
    with pytest.raises(RunError, match=rf"^the table: .*{sentence}"), jobs.asking("the table"):
        raise error
