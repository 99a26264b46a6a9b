"""The request log while BigQuery refuses, hangs or is away: no row is lost, and it is said once."""

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest
from google.cloud import bigquery

from pipeline.serving.request_log.queue import ROW_BYTES, RequestLog
from pipeline.serving.request_log.table import COLUMNS, LogTable
from tests.pipeline.serving.logged_table import (
    FLUSH_SECONDS,
    SECONDS,
    Table,
    entry,
    settled,
    started_log,
    wait_until_spooled,
)
from tests.standins.fault_proxy import Proxied

SCHEMA = [bigquery.SchemaField(name, kind, mode=mode) for name, kind, mode in COLUMNS]


@pytest.mark.parametrize("status", [403, 429, 500, 503])
def test_rows_wait_on_disk_until_bigquery_answers_again(
    log: RequestLog, table: Table, standin: Proxied, status: int
):
    standin.outage = status
    for number in range(10):
        log.add(entry(number))
    wait_until_spooled(log, 10)

    standin.outage = None

    assert settled(log).written == 10
    assert len(table.rows_once()) == 10


def test_an_outage_is_said_once_and_so_is_its_end(
    log: RequestLog, standin: Proxied, capsys: pytest.CaptureFixture[str]
):
    standin.outage = 503
    log.add(entry())
    wait_until_spooled(log, 1)
    time.sleep(1)
    standin.outage = None
    settled(log)

    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert "can't be written" in lines[0]
    assert lines[1].endswith("again")


def test_a_refused_row_does_not_take_its_neighbours_along_and_is_said(
    table: Table, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    strict_columns = [bigquery.SchemaField("endpoint", "STRING", mode="REQUIRED"), *SCHEMA[1:]]
    table.client.create_table(bigquery.Table(table.logged.name, strict_columns))
    log = started_log(table, tmp_path)
    log.add(replace(entry(), endpoint=None))
    log.add(entry())

    count = settled(log)
    log.stop(0)
    assert count.written == 1
    assert count.dropped == {"refused": 1}
    assert f"{table.logged.name} refuses rows of the request log: " in capsys.readouterr().err


def test_an_insert_that_is_too_large_is_halved(log: RequestLog, table: Table, standin: Proxied):
    standin.faults += [413]
    for number in range(4):
        log.add(entry(number))

    count = settled(log)
    assert count.written + count.dropped["too_large"] == 4
    assert len(table.rows()) == count.written


def question(text: str) -> bytes:
    return json.dumps({"instances": [{"text": text}]}).encode()


def test_a_row_that_only_its_insert_makes_too_large_is_counted(log: RequestLog):
    overhead = len(replace(entry(), request=question("")).line())
    text = "x" * (ROW_BYTES - overhead - 10)  # ten for a request id that is shorter now and then
    log.add(replace(entry(), request=question(text)))
    log.add(entry())

    count = settled(log)
    assert count.dropped == {"too_large": 1}
    assert count.written == 1


def test_a_missing_dataset_is_said_before_there_is_a_row(
    standin: Proxied, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    log = RequestLog(LogTable("demo.none.requests"), tmp_path / "spool", sampling_rate=1)
    log.start()

    line = _first_line(capsys)

    log.stop(0)
    assert line.startswith("the request log can't be written to demo.none.requests: 404 ")


def test_who_may_not_make_the_table_is_told(
    standin: Proxied, table: Table, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    standin.faulty_path = "/tables?"
    standin.outage = 403
    log = started_log(table, tmp_path)

    line = _first_line(capsys)

    log.stop(0)
    assert f"can't be written to {table.logged.name}: 403 " in line


def test_who_may_not_make_the_table_logs_into_one_that_is_there(
    standin: Proxied, table: Table, tmp_path: Path
):
    table.logged.connect()
    standin.faulty_path = "/tables?"
    standin.outage = 403
    log = started_log(table, tmp_path)
    log.add(entry())

    count = settled(log)
    log.stop(0)
    assert count.written == 1


def _first_line(capsys: pytest.CaptureFixture[str]) -> str:
    """What is said first on standard error."""
    deadline = time.monotonic() + SECONDS
    text = ""
    while "\n" not in text:
        assert time.monotonic() < deadline
        time.sleep(0.05)
        text += capsys.readouterr().err
    line, _, _ = text.partition("\n")
    return line


def test_a_bigquery_that_is_not_there_is_said_once(
    table: Table, tmp_path: Path, monkeypatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", "http://127.0.0.1:1")
    log = started_log(table, tmp_path)
    log.add(entry())

    _first_line(capsys)
    time.sleep(2)  # three more attempts

    log.stop(0)
    assert log.ledger.count().spooled == 1
    assert capsys.readouterr().err == ""


def test_a_file_that_googles_client_misses_loses_no_row(tmp_path: Path):
    class Uncertified:
        name = "demo.log.requests"

        def connect(self):
            raise FileNotFoundError(2, "No such file or directory", "ca.pem")

    log = RequestLog(Uncertified(), tmp_path, sampling_rate=1, flush_seconds=FLUSH_SECONDS)
    log.start()
    log.add(entry())
    wait_until_spooled(log, 1)
    time.sleep(1)

    log.stop(0)
    assert log.ledger.count().spooled == 1


def test_a_stop_keeps_its_time_while_bigquery_hangs(table: Table, tmp_path: Path, standin: Proxied):
    standin.delay_seconds = SECONDS
    log = started_log(table, tmp_path)
    log.add(entry())
    wait_until_spooled(log, 1)
    start = time.monotonic()

    log.stop(1)

    assert time.monotonic() - start < 2
    assert log.ledger.count().spooled == 1
