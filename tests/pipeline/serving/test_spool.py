"""The request log's files, and what becomes of them while nobody is looking."""

import shutil
from pathlib import Path

import pytest

from pipeline.errors import ConfigurationError, RunError
from pipeline.serving.request_log.queue import RequestLog
from pipeline.serving.request_log.spool import Spool
from tests.pipeline.serving.logged_table import (
    Table,
    entry,
    settled,
    started_log,
    wait_for_flush,
    wait_until_spooled,
)
from tests.standins.fault_proxy import Proxied


def test_a_full_spool_drops_the_oldest(table: Table, tmp_path: Path, standin: Proxied):
    standin.outage = 503
    log = started_log(table, tmp_path, spool_bytes=1000)
    for number in range(10):
        log.add(entry(number))
        wait_for_flush(log)

    standin.outage = None
    count = settled(log)
    log.stop(0)
    assert 0 < count.dropped["spool_full"] < 10
    last_key = table.rows()[-1]["request_payload"][0]
    assert "row-9" in last_key


def test_what_an_earlier_process_left_is_sent(table: Table, tmp_path: Path):
    spool = Spool(tmp_path / "spool")
    spool.write([entry(1).line(), entry(2).line()])
    spool.close()

    log = started_log(table, tmp_path)
    count = settled(log)
    log.stop(0)

    assert count.sampled == count.written == 2
    assert len(table.rows()) == 2


def test_what_was_logged_before_the_start_is_on_disk_after_a_stop(table: Table, tmp_path: Path):
    log = RequestLog(table.logged, tmp_path, sampling_rate=1)
    log.add(entry())

    log.stop(0)

    assert log.ledger.count().spooled == 1
    [segment] = Spool(tmp_path).segments
    assert segment.rows == 1


def test_a_segment_that_somebody_removed_is_counted(
    log: RequestLog, table: Table, tmp_path: Path, standin: Proxied
):
    standin.outage = 503
    log.add(entry())
    wait_until_spooled(log, 1)
    for file in (tmp_path / "spool").glob("*.ndjson"):
        file.unlink()
    standin.outage = None

    assert settled(log).dropped == {"removed": 1}


def test_a_damaged_line_is_counted_and_its_neighbours_are_written(table: Table, tmp_path: Path):
    spool = Spool(tmp_path / "spool")
    spool.write([entry(1).line(), b'{"endpoint": ', entry(2).line()])
    spool.close()

    log = started_log(table, tmp_path)
    count = settled(log)
    log.stop(0)

    assert count.written == 2
    assert count.dropped == {"damaged": 1}


def test_a_segment_cut_off_by_a_fault_of_the_disk_is_counted(table: Table, tmp_path: Path):
    spool = Spool(tmp_path / "spool")
    segment = spool.write([entry(1).line(), entry(2).line()])
    spool.close()
    segment.path.write_bytes(b"")

    log = started_log(table, tmp_path)
    count = settled(log)
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


def test_a_spool_that_takes_nothing_is_said_once_and_counted(
    log: RequestLog, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    shutil.rmtree(tmp_path / "spool")
    for number in range(3):
        log.add(entry(number))
        wait_for_flush(log)
    (tmp_path / "spool").mkdir()
    log.add(entry())

    count = settled(log)
    assert count.dropped == {"disk": 3}
    assert count.written == 1
    lines = capsys.readouterr().err.splitlines()
    lost, kept = [line for line in lines if "logged requests" in line]
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
        started_log(table, tmp_path)


def test_a_file_where_the_spool_should_be_is_named(table: Table, tmp_path: Path):
    (tmp_path / "spool").write_text("")

    with pytest.raises(ConfigurationError, match="no request log can be kept there"):
        started_log(table, tmp_path)
