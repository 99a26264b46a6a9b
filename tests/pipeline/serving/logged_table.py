"""A request log, and the table that it writes to."""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.cloud import bigquery

from pipeline.serving.request_log.entry import Entry
from pipeline.serving.request_log.ledger import Count
from pipeline.serving.request_log.queue import RequestLog
from pipeline.serving.request_log.table import LogTable

SECONDS = 20
FLUSH_SECONDS = 0.05


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


def started_log(table: Table, folder: Path, **options: Any) -> RequestLog:
    arguments = {"sampling_rate": 1.0, "flush_seconds": FLUSH_SECONDS, **options}
    log = RequestLog(table.logged, folder / "spool", **arguments)
    log.start()
    return log


def entry(number: int = 0, size: int = 100) -> Entry:
    """An entry of this many bytes."""
    request = json.dumps({"instances": [{"_key": f"row-{number}", "fare": 1.5}, None]})
    response = b'{"predictions": [0.5, "x"]}'
    padded = request.ljust(size - len(response))
    return Entry("cab", "7", time.time(), padded.encode(), response)


def settled(log: RequestLog) -> Count:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        count = log.ledger.count()
        assert adds_up(count)
        if not count.queued and not count.spooled:
            return count
        time.sleep(0.02)
    raise AssertionError(f"not settled within {SECONDS} s: {count}")


def wait_until_spooled(log: RequestLog, rows: int) -> None:
    deadline = time.monotonic() + SECONDS
    while log.ledger.count().spooled != rows:
        assert time.monotonic() < deadline, log.ledger.count()
        time.sleep(0.02)


def adds_up(count: Count) -> bool:
    places = count.written + count.queued + count.spooled + count.dropped.total()
    return count.sampled == places


def wait_for_flush(log: RequestLog) -> None:
    while log.ledger.count().queued:
        time.sleep(FLUSH_SECONDS)
