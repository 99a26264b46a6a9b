"""What readers see of a log, and for how long it is kept."""

import dataclasses
import json
from datetime import UTC, datetime, timedelta

import pytest
from google.cloud.bigquery import AutoRowIDs

from pipeline.baseline.content import Bins
from pipeline.errors import RunError
from pipeline.monitoring.log import log_tables, profiles, retention, upkeep, view
from pipeline.serving.row_key import ROW_KEY, SMOKE
from tests.pipeline.monitoring import request_logs
from tests.pipeline.monitoring.request_logs import DAY, Request

INSTANCE = {"fare": 12.5, "trip_seconds": 900, "payment_type": "Cash", "company": "Flash Cab"}
DAY_BEGIN = datetime(DAY.year, DAY.month, DAY.day, tzinfo=UTC)


@pytest.fixture(scope="module")
def log(bigquery):
    instances = [
        INSTANCE,
        {**INSTANCE, "payment_type": "Barter"},
        {**INSTANCE, ROW_KEY: SMOKE},
        {**INSTANCE, "fare": None},
    ]
    questions = [json.dumps(instance) for instance in instances]
    requests = [Request(questions=[*questions, "{"], answers=["0.25", "0.5", "1", "0"])]
    return log_tables.described(bigquery, request_logs.log(bigquery, requests))


@pytest.fixture
def name():
    return f"{request_logs.DATASET}.view_{next(request_logs.NUMBERS)}"


@pytest.fixture
def rows(bigquery, log, name, small_baseline):
    view.keep(bigquery, log, name, [small_baseline])
    query = f"SELECT * FROM `{name}` WHERE logging_time >= TIMESTAMP '{DAY}' ORDER BY score"
    return [dict(row) for row in bigquery.query(query).result()]


def test_a_view_has_a_typed_column_for_each_of_the_model_s(rows):
    first = rows[1]
    assert first["fare"] == 12.5
    assert first["trip_seconds"] == 900
    assert first["payment_type"] == "Cash"
    assert first["score"] == 0.25


def test_a_view_has_no_personal_column(rows):
    assert "company" not in rows[0]
    assert "Flash Cab" not in str(rows)


def test_a_view_folds_values_that_next_to_nobody_has(rows):
    assert rows[2]["payment_type"] == view.OTHER


def test_a_view_has_a_row_for_each_instance_but_those_of_smoke_tests(rows):
    assert [row["score"] for row in rows] == [0.0, 0.25, 0.5]


def test_a_view_names_values_that_at_least_ten_instances_had(bigquery, log, name, small_baseline):
    view.keep(bigquery, log, name, [small_baseline], {"payment_type": ["Barter"]})
    query = f"SELECT payment_type AS p FROM `{name}` WHERE logging_time >= TIMESTAMP '{DAY}'"
    assert "Barter" in [row["p"] for row in bigquery.query(query).result()]


def test_a_view_is_replaced_when_its_columns_change_and_only_then(
    bigquery, log, name, small_baseline
):
    more = {**small_baseline.columns, "tip": small_baseline.columns["fare"]}
    schema = {**small_baseline.schema, "tip": "FLOAT"}
    wider = dataclasses.replace(small_baseline, columns=more, schema=schema)

    outcomes = [
        view.keep(bigquery, log, name, versions)
        for versions in ([small_baseline], [small_baseline], [small_baseline, wider])
    ]

    assert outcomes == [True, False, True]
    assert "tip" in [column.name for column in bigquery.get_table(name).schema]


def test_a_column_that_any_version_calls_personal_is_left_out(log, small_baseline):
    company = dataclasses.replace(small_baseline.columns["company"], personal=False)
    told = dataclasses.replace(
        small_baseline, columns={**small_baseline.columns, "company": company}
    )
    assert "company" not in view.text(log, [small_baseline, told], {})


def test_columns_get_names_that_bigquery_allows(log, small_baseline):
    text_column = dataclasses.replace(
        small_baseline.columns["payment_type"], bins=Bins(kind="category")
    )
    names = ["trip fare", "Trip_fare", "score", "7", "_PARTITION_x"]
    odd = dataclasses.replace(
        small_baseline,
        columns=dict.fromkeys(names, text_column),
        schema=dict.fromkeys(names, "BYTES"),
        pairs=(),
    )

    text = view.text(log, [odd], {})

    aliases = ["`trip_fare`", "`Trip_fare_2`", "`score_2`", "`c_7`", "`c__PARTITION_x`"]
    assert [alias for alias in aliases if f"AS {alias}" not in text] == []


def test_a_partitioned_log_s_days_expire(bigquery, log):
    sentence = retention.enforce(bigquery, log, 90)
    partitioning = bigquery.get_table(log.name).time_partitioning
    assert partitioning.expiration_ms == 90 * 24 * 3600 * 1000
    assert sentence == f"{log.name}: a day's partition goes after 90 days"


def unpartitioned(client, days_ago):
    """A log of a request so many days before DAY, in which none is partitioned."""
    requests = [Request(questions=["{}"], second=-86_400 * days) for days in days_ago]
    return log_tables.described(client, request_logs.log(client, requests, partitioned=False))


def test_an_unpartitioned_log_s_old_rows_are_deleted(bigquery):
    log = unpartitioned(bigquery, [0, 29, 30, 31, 400])

    retention.enforce(bigquery, log, 30, now=DAY_BEGIN + timedelta(hours=5))

    query = f"SELECT DATE(logging_time) AS day FROM `{log.name}` ORDER BY day DESC"
    days = [row["day"] for row in bigquery.query(query).result()]
    assert days == [DAY, DAY - timedelta(days=29), DAY - timedelta(days=30)]


def test_a_delete_ends_before_what_may_still_be_streamed_in(bigquery):
    log = unpartitioned(bigquery, [0])
    now = DAY_BEGIN + timedelta(minutes=1)

    retention.enforce(bigquery, log, 0, now=now)

    [job] = request_logs.jobs_reading(bigquery, log.name)[:1]
    assert "logging_time < TIMESTAMP '2026-11-19 22:31:00+00'" in job.query


def test_old_rows_that_are_still_streamed_in_stay_for_another_day(bigquery):
    log = unpartitioned(bigquery, [0])
    row = Request(questions=["{}"], second=-86_400 * 40).row()
    bigquery.insert_rows_json(log.name, [row], row_ids=AutoRowIDs.DISABLED)

    sentence = retention.enforce(bigquery, log, 30, now=DAY_BEGIN)

    assert sentence.endswith("rows before 2026-10-21 are still being streamed in, and stay today")


def test_a_log_that_is_gone_is_told_in_one_sentence(bigquery, log):
    gone = dataclasses.replace(log, name="demo.log.gone", partitioned=False)
    with pytest.raises(RunError, match=r"^the request log demo\.log\.gone: BigQuery "):
        retention.enforce(bigquery, gone, 30)


def test_upkeep_shows_values_that_a_day_s_profile_names(bigquery, small_baseline):
    instances = [{"payment_type": "Barter"}] * 10 + [{"payment_type": "Favour"}] * 9
    requests = [Request(questions=[json.dumps(instance)]) for instance in instances]
    number = next(request_logs.NUMBERS)
    log = upkeep.Log(
        model="taxi",
        table=request_logs.log(bigquery, requests),
        view=f"demo.log.view_{number}",
        profiles=f"demo.log.profiles_{number}",
        retention_days=90,
    )
    profiles.count(bigquery, log.table, log.profiles, "taxi", DAY, {"1": small_baseline})

    notes = upkeep.keep(bigquery, log, [small_baseline], now=DAY_BEGIN + timedelta(days=1))

    query = f"SELECT payment_type AS p FROM `{log.view}` WHERE logging_time >= TIMESTAMP '{DAY}'"
    assert {row["p"] for row in bigquery.query(query).result()} == {"Barter", view.OTHER}
    assert notes == [f"{log.table}: a day's partition goes after 90 days"]


def test_upkeep_of_a_log_that_is_not_there_yet_does_nothing(bigquery, small_baseline):
    log = upkeep.Log(
        model="taxi", table="demo.log.not_yet", view="demo.log.v", profiles="demo.log.p",
        retention_days=90,
    )  # fmt: skip
    assert upkeep.keep(bigquery, log, [small_baseline]) == []
