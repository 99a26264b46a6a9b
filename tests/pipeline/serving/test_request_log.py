"""The request log against BigQuery's stand-in: every row has one place, whatever fails."""

import json
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from google.cloud import bigquery

from pipeline.errors import ConfigurationError, RunError
from pipeline.serving.request_log.entry import Entry
from pipeline.serving.request_log.ledger import Count
from pipeline.serving.request_log.queue import RequestLog
from pipeline.serving.request_log.spool import Spool
from pipeline.serving.request_log.table import COLUMNS, LogTable
from tests.standins.fault_proxy import LOST, Proxied

SECONDS = 20
FLUSH_SECONDS = 0.05
SCHEMA = [bigquery.SchemaField(name, kind, mode=mode) for name, kind, mode in COLUMNS]


@dataclass
class Table:
    """A table of its own, as BigQuery's clients see it."""

    client: bigquery.Client
    logged: LogTable

    def rows(self) -> list[dict[str, Any]]:
        return self._rows(self.logged.name)

    def rows_once(self) -> list[dict[str, Any]]:
        return self._rows(self.logged.view)

    def _rows(self, name: str) -> list[dict[str, Any]]:
        job = self.client.query(f"SELECT * FROM `{name}` ORDER BY logging_time")
        return [dict(row) for row in job.result()]


@pytest.fixture
def table(client: bigquery.Client) -> Table:
    number = time.monotonic_ns()
    return Table(client, LogTable(f"demo.log.requests_{number}"))


@pytest.fixture
def log(table: Table, tmp_path: Path) -> Iterator[RequestLog]:
    log = _log(table, tmp_path)
    yield log
    log.stop(0)


def _log(table: Table, folder: Path, **options: Any) -> RequestLog:
    arguments = {"sampling_rate": 1.0, "flush_seconds": FLUSH_SECONDS, **options}
    log = RequestLog(table.logged, folder / "spool", **arguments)
    log.start()
    return log


def _entry(number: int = 0, size: int = 100) -> Entry:
    """An entry of this many bytes."""
    request = json.dumps({"instances": [{"_key": f"row-{number}", "fare": 1.5}, None]})
    response = b'{"predictions": [0.5, "x"]}'
    padded = request.ljust(size - len(response))
    return Entry("cab", "7", time.time(), padded.encode(), response)


def _settled(log: RequestLog) -> Count:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        count = log.ledger.count()
        assert _adds_up(count)
        if not count.queued and not count.spooled:
            return count
        time.sleep(0.02)
    raise AssertionError(f"not settled within {SECONDS} s: {count}")


def _spooled(log: RequestLog, rows: int) -> None:
    deadline = time.monotonic() + SECONDS
    while log.ledger.count().spooled != rows:
        assert time.monotonic() < deadline, log.ledger.count()
        time.sleep(0.02)


def _adds_up(count: Count) -> bool:
    places = count.written + count.queued + count.spooled + count.dropped.total()
    return count.sampled == places


def test_a_row_has_vertexs_columns(log: RequestLog, table: Table):
    log.add(_entry(3))

    _settled(log)
    [row] = table.rows()
    assert row["endpoint"] == "cab"
    assert row["deployed_model_id"] == "7"
    assert abs(row["logging_time"].timestamp() - time.time()) < SECONDS
    assert row["request_payload"] == ['{"_key":"row-3","fare":1.5}', "null"]
    assert row["response_payload"] == ["0.5", '"x"']


def test_the_table_is_partitioned_by_day(log: RequestLog, table: Table):
    log.add(_entry())

    _settled(log)
    resource = table.client.get_table(table.logged.name)
    assert resource.time_partitioning.field == "logging_time"


def test_a_thousand_rows_are_all_written(log: RequestLog, table: Table):
    for number in range(1000):
        log.add(_entry(number))

    count = _settled(log)
    assert count.written == 1000
    keys = {row["request_payload"][0] for row in table.rows()}
    assert len(keys) == 1000


def test_a_lost_answer_makes_a_row_twice_and_the_view_shows_it_once(
    log: RequestLog, table: Table, standin: Proxied
):
    standin.faults.append(LOST)
    log.add(_entry())

    count = _settled(log)
    assert count.written == 1
    assert len(table.rows()) == 2
    assert len(table.rows_once()) == 1


@pytest.mark.parametrize("status", [403, 429, 500, 503])
def test_rows_wait_on_disk_until_bigquery_answers_again(
    log: RequestLog, table: Table, standin: Proxied, status: int
):
    standin.outage = status
    for number in range(10):
        log.add(_entry(number))
    _spooled(log, 10)

    standin.outage = None

    assert _settled(log).written == 10
    assert len(table.rows_once()) == 10


def test_an_outage_is_said_once_and_so_is_its_end(
    log: RequestLog, standin: Proxied, capsys: pytest.CaptureFixture[str]
):
    standin.outage = 503
    log.add(_entry())
    _spooled(log, 1)
    time.sleep(1)
    standin.outage = None
    _settled(log)

    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert "can't be written" in lines[0]
    assert lines[1].endswith("again")


def test_a_refused_row_does_not_take_its_neighbours_along_and_is_said(
    table: Table, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    strict_columns = [bigquery.SchemaField("endpoint", "STRING", mode="REQUIRED"), *SCHEMA[1:]]
    table.client.create_table(bigquery.Table(table.logged.name, strict_columns))
    log = _log(table, tmp_path)
    log.add(replace(_entry(), endpoint=None))
    log.add(_entry())

    count = _settled(log)
    log.stop(0)
    assert count.written == 1
    assert count.dropped == {"refused": 1}
    [line] = capsys.readouterr().err.splitlines()
    assert f"{table.logged.name} refuses rows of the request log: " in line


def test_an_entry_that_is_no_json_is_counted_and_the_next_is_written(log: RequestLog):
    log.add(replace(_entry(), response=b"none"))
    log.add(_entry())

    count = _settled(log)
    assert count.written == 1
    assert count.dropped == {"unencodable": 1}


def test_an_insert_that_is_too_large_is_halved(log: RequestLog, table: Table, standin: Proxied):
    standin.faults += [413]
    for number in range(4):
        log.add(_entry(number))

    count = _settled(log)
    assert count.written + count.dropped["too_large"] == 4
    assert len(table.rows()) == count.written


def test_a_row_over_ten_megabytes_is_counted_and_not_written(log: RequestLog, table: Table):
    large_request = json.dumps({"instances": [{"text": "x" * 10_000_001}]})
    log.add(replace(_entry(), request=large_request.encode()))

    assert _settled(log).dropped == {"too_large": 1}


def test_a_full_queue_drops_the_newest(table: Table, tmp_path: Path):
    log = _log(table, tmp_path, flush_seconds=1, queue_bytes=1000)
    for number in range(12):
        log.add(_entry(number, size=100))

    count = _settled(log)
    log.stop(0)
    assert count.written == 10
    assert count.dropped == {"queue_full": 2}


def test_a_full_spool_drops_the_oldest(table: Table, tmp_path: Path, standin: Proxied):
    standin.outage = 503
    log = _log(table, tmp_path, spool_bytes=1000)
    for number in range(10):
        log.add(_entry(number))
        _wait_for_flush(log)

    standin.outage = None
    count = _settled(log)
    log.stop(0)
    assert 0 < count.dropped["spool_full"] < 10
    last_key = table.rows()[-1]["request_payload"][0]
    assert "row-9" in last_key


def _wait_for_flush(log: RequestLog) -> None:
    while log.ledger.count().queued:
        time.sleep(FLUSH_SECONDS)


def test_a_stop_loses_nothing(table: Table, tmp_path: Path):
    log = _log(table, tmp_path, flush_seconds=60)
    for number in range(100):
        log.add(_entry(number))

    log.stop(SECONDS)

    assert log.ledger.count().written == 100
    assert len(table.rows()) == 100


def test_what_an_earlier_process_left_is_sent(table: Table, tmp_path: Path):
    spool = Spool(tmp_path / "spool")
    spool.write([_entry(1).line(), _entry(2).line()])
    spool.close()

    log = _log(table, tmp_path)
    count = _settled(log)
    log.stop(0)

    assert count.sampled == count.written == 2
    assert len(table.rows()) == 2


def test_a_segment_that_somebody_removed_is_counted(
    log: RequestLog, table: Table, tmp_path: Path, standin: Proxied
):
    standin.outage = 503
    log.add(_entry())
    _spooled(log, 1)
    for file in (tmp_path / "spool").glob("*.ndjson"):
        file.unlink()
    standin.outage = None

    assert _settled(log).dropped == {"removed": 1}


def test_a_damaged_line_is_counted_and_its_neighbours_are_written(table: Table, tmp_path: Path):
    spool = Spool(tmp_path / "spool")
    spool.write([_entry(1).line(), b'{"endpoint": ', _entry(2).line()])
    spool.close()

    log = _log(table, tmp_path)
    count = _settled(log)
    log.stop(0)

    assert count.written == 2
    assert count.dropped == {"damaged": 1}


def test_a_segment_cut_off_by_a_fault_of_the_disk_is_counted(table: Table, tmp_path: Path):
    spool = Spool(tmp_path / "spool")
    segment = spool.write([_entry(1).line(), _entry(2).line()])
    spool.close()
    segment.path.write_bytes(b"")

    log = _log(table, tmp_path)
    count = _settled(log)
    log.stop(0)

    assert count.dropped == {"damaged": 2}


@pytest.mark.parametrize("name", ["notes.ndjson", "000000000007-many.ndjson", "x.part/y"])
def test_a_foreign_file_in_the_spool_is_left_alone(table: Table, tmp_path: Path, name: str):
    file = tmp_path / "spool" / name
    file.parent.mkdir(parents=True)
    file.write_text("mine")

    spool = Spool(tmp_path / "spool")

    assert spool.segments == []
    assert file.read_text() == "mine"


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
    log = _log(table, tmp_path)

    line = _first_line(capsys)

    log.stop(0)
    assert f"can't be written to {table.logged.name}: 403 " in line


def test_who_may_not_make_the_table_logs_into_one_that_is_there(
    standin: Proxied, table: Table, tmp_path: Path
):
    table.logged.connect()
    standin.faulty_path = "/tables?"
    standin.outage = 403
    log = _log(table, tmp_path)
    log.add(_entry())

    count = _settled(log)
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
    log = _log(table, tmp_path)
    log.add(_entry())

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
    log.add(_entry())
    _spooled(log, 1)
    time.sleep(1)

    log.stop(0)
    assert log.ledger.count().spooled == 1


def test_a_stop_keeps_its_time_while_bigquery_hangs(table: Table, tmp_path: Path, standin: Proxied):
    standin.delay_seconds = SECONDS
    log = _log(table, tmp_path)
    log.add(_entry())
    _spooled(log, 1)
    start = time.monotonic()

    log.stop(1)

    assert time.monotonic() - start < 2
    assert log.ledger.count().spooled == 1


def test_a_spool_that_takes_nothing_is_said_once_and_counted(
    log: RequestLog, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    shutil.rmtree(tmp_path / "spool")
    for number in range(3):
        log.add(_entry(number))
        _wait_for_flush(log)
    (tmp_path / "spool").mkdir()
    log.add(_entry())

    count = _settled(log)
    assert count.dropped == {"disk": 3}
    assert count.written == 1
    lost, kept = capsys.readouterr().err.splitlines()
    assert lost.startswith("logged requests are lost, since they can't be kept: ")
    assert kept.endswith("logged requests can be kept again")


def test_a_half_written_segment_is_no_segment(table: Table, tmp_path: Path):
    folder = tmp_path / "spool"
    folder.mkdir()
    (folder / "000000000000-2.part").write_bytes(b'{"endpoint": ')

    spool = Spool(folder)

    assert spool.segments == []
    assert not list(folder.glob("*.part"))


def test_two_servers_do_not_share_a_spool(log: RequestLog, table: Table, tmp_path: Path):
    with pytest.raises(RunError, match="another server keeps its request log there"):
        _log(table, tmp_path)


def test_a_file_where_the_spool_should_be_is_named(table: Table, tmp_path: Path):
    (tmp_path / "spool").write_text("")

    with pytest.raises(ConfigurationError, match="no request log can be kept there"):
        _log(table, tmp_path)


def test_a_table_without_a_dataset_is_refused():
    with pytest.raises(ConfigurationError, match=r"allowed is PROJECT\.DATASET\.TABLE"):
        LogTable("requests")


def test_a_sample_has_its_rate(table: Table, tmp_path: Path):
    log = _log(table, tmp_path, sampling_rate=0.1, seed=1)

    sampled = sum(log.samples() for _ in range(100_000))

    log.stop(0)
    assert abs(sampled - 10_000) < 3 * 95  # three standard deviations
