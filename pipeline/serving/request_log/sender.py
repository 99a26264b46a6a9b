"""Sends segments from the spool to the table, oldest first, until each is settled."""

import contextlib
import threading
import time
from collections import Counter
from typing import Protocol

import orjson

from pipeline.serving.request_log.ledger import Ledger
from pipeline.serving.request_log.spool import Segment
from pipeline.serving.request_log.table import RefusedError, Row
from pipeline.serving.request_log.trouble import Trouble

IDLE_SECONDS = 0.1
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 15.0
REASONS = {400: "refused", 413: "too_large"}


class Connection(Protocol):
    """The table's client; `insert` returns why rows were refused, a reason for each of them."""

    def insert(self, rows: list[Row]) -> list[str]: ...


class Table(Protocol):
    """The destination of the rows."""

    @property
    def name(self) -> str: ...

    def connect(self) -> Connection: ...


class Sender:
    """A thread for sending; it retries an unreachable table for ever.

    It connects before there is a row, so that a wrong table is told of at the start.
    """

    def __init__(self, table: Table, ledger: Ledger) -> None:
        self._table = table
        self._ledger = ledger
        self._connection: Connection | None = None
        self._pause_seconds = FIRST_PAUSE_SECONDS
        self._outage = Trouble(f"the request log is written to {table.name} again")
        self._refusal = Trouble("")  # it has no end that could be seen
        self._stopping = threading.Event()
        self._deadline = float("inf")
        self._thread = threading.Thread(target=self._work, name="log-sender", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, deadline: float) -> None:
        """End when all is sent, or at this time of the monotonic clock."""
        self._deadline = deadline
        self._stopping.set()
        seconds = deadline - time.monotonic()
        self._thread.join(max(0, seconds))

    def _work(self) -> None:
        self._try_to_connect()
        while time.monotonic() < self._deadline:
            segment = self._ledger.take()
            if segment is not None:
                self._try(segment)
            elif self._stopping.is_set():
                return
            else:
                self._stopping.wait(IDLE_SECONDS)

    def _try_to_connect(self) -> None:
        try:
            self._connected()
        except Exception as error:  # whatever Google's client raises, the server serves on
            self._tell(error)

    def _try(self, segment: Segment) -> None:
        try:
            dropped = self._send(segment)
        except Exception as error:  # whatever it is, the rows stay on disk
            self._ledger.put_back(segment)
            self._connection = None
            self._tell(error)
            self._pause()
            return
        self._pause_seconds = FIRST_PAUSE_SECONDS
        self._outage.end()
        segment.remove()
        self._ledger.settle(segment, dropped)

    def _send(self, segment: Segment) -> Counter[str]:
        """Insert the segment's rows; return the number of lost or refused ones, by reason."""
        rows, dropped = _rows(segment)
        if rows:
            self._insert(self._connected(), rows, dropped)
        return dropped

    def _connected(self) -> Connection:
        if self._connection is None:
            self._connection = self._table.connect()
        return self._connection

    def _insert(self, connection: Connection, rows: list[Row], dropped: Counter[str]) -> None:
        """Insert the rows; if BigQuery refuses all, insert halves, down to the refused row."""
        try:
            reasons = connection.insert(rows)
        except RefusedError as error:
            if len(rows) == 1:
                dropped[REASONS[error.status]] += 1
                self._tell_refusal(str(error))
                return
            middle = len(rows) // 2
            self._insert(connection, rows[:middle], dropped)
            self._insert(connection, rows[middle:], dropped)
            return
        dropped["refused"] += len(reasons)
        if reasons:
            self._tell_refusal(reasons[0])

    def _tell(self, error: Exception) -> None:
        kind = type(error).__name__
        sentence = f"the request log can't be written to {self._table.name}: {_first(str(error))}"
        self._outage.begin(kind, sentence)

    def _tell_refusal(self, reason: str) -> None:
        sentence = f"{self._table.name} refuses rows of the request log: {_first(reason)}"
        self._refusal.begin("refused", sentence)

    def _pause(self) -> None:
        if self._stopping.is_set():
            time.sleep(FIRST_PAUSE_SECONDS)
        else:
            self._stopping.wait(self._pause_seconds)
        self._pause_seconds = min(2 * self._pause_seconds, LONGEST_PAUSE_SECONDS)


def _rows(segment: Segment) -> tuple[list[Row], Counter[str]]:
    """The segment's rows, and the number of rows lost on disk, by reason."""
    try:
        lines = segment.lines()
    except FileNotFoundError:
        return [], Counter(removed=segment.rows)
    rows = []
    for line in lines[: segment.rows]:
        with contextlib.suppress(orjson.JSONDecodeError):
            rows.append(orjson.loads(line))
    return rows, Counter(damaged=segment.rows - len(rows))


def _first(text: str) -> str:
    """The first line, bounded."""
    lines = text.strip().splitlines()
    return lines[0][:200] if lines else "without a reason"
