"""The request log against BigQuery's stand-in: what is logged is in the table."""

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.errors import ConfigurationError
from pipeline.serving.request_log.queue import RequestLog
from pipeline.serving.request_log.table import LogTable
from tests.pipeline.serving.logged_table import (
    SECONDS,
    Table,
    entry,
    settled,
    started_log,
)
from tests.standins.fault_proxy import LOST, Proxied


def test_a_row_has_vertexs_columns(log: RequestLog, table: Table):
    log.add(entry(3))

    settled(log)
    [row] = table.rows()
    assert row["endpoint"] == "cab"
    assert row["deployed_model_id"] == "7"
    assert abs(row["logging_time"].timestamp() - time.time()) < SECONDS
    assert row["request_payload"] == ['{"_key":"row-3","fare":1.5}', "null"]
    assert row["response_payload"] == ["0.5", '"x"']


def test_the_table_is_partitioned_by_day(log: RequestLog, table: Table):
    log.add(entry())

    settled(log)
    resource = table.client.get_table(table.logged.name)
    assert resource.time_partitioning.field == "logging_time"


def test_a_thousand_rows_are_all_written(log: RequestLog, table: Table):
    for number in range(1000):
        log.add(entry(number))

    count = settled(log)
    assert count.written == 1000
    keys = {row["request_payload"][0] for row in table.rows()}
    assert len(keys) == 1000


def test_a_lost_answer_makes_a_row_twice_and_the_view_shows_it_once(
    log: RequestLog, table: Table, standin: Proxied
):
    standin.faults.append(LOST)
    log.add(entry())

    count = settled(log)
    assert count.written == 1
    assert len(table.rows()) == 2
    assert len(table.rows_once()) == 1


def test_an_entry_that_is_no_json_is_counted_and_the_next_is_written(log: RequestLog):
    log.add(replace(entry(), response=b"none"))
    log.add(entry())

    count = settled(log)
    assert count.written == 1
    assert count.dropped == {"unencodable": 1}


def test_a_row_over_ten_megabytes_is_counted_and_not_written(log: RequestLog, table: Table):
    large_request = json.dumps({"instances": [{"text": "x" * 10_000_001}]})
    log.add(replace(entry(), request=large_request.encode()))

    assert settled(log).dropped == {"too_large": 1}


def test_a_full_queue_drops_the_newest(table: Table, tmp_path: Path):
    log = started_log(table, tmp_path, flush_seconds=1, queue_bytes=1000)
    for number in range(12):
        log.add(entry(number, size=100))

    count = settled(log)
    log.stop(0)
    assert count.written == 10
    assert count.dropped == {"queue_full": 2}


def test_a_stop_loses_nothing(table: Table, tmp_path: Path):
    log = started_log(table, tmp_path, flush_seconds=60)
    for number in range(100):
        log.add(entry(number))

    log.stop(SECONDS)

    assert log.ledger.count().written == 100
    assert len(table.rows()) == 100


def test_a_table_without_a_dataset_is_refused():
    with pytest.raises(ConfigurationError, match=r"allowed is PROJECT\.DATASET\.TABLE"):
        LogTable("requests")


def test_a_sample_has_its_rate(table: Table, tmp_path: Path):
    log = started_log(table, tmp_path, sampling_rate=0.1, seed=1)

    sampled = sum(log.samples("7") for _ in range(100_000))

    log.stop(0)
    assert abs(sampled - 10_000) < 3 * 95  # three standard deviations
