"""Sends segments from the spool to the table, oldest first, until each is settled."""

import sys
import threading
import time
from collections import Counter
from typing import Protocol

import orjson

from pipeline.serving.request_log.ledger import Ledger
from pipeline.serving.request_log.spool import Segment
from pipeline.serving.request_log.table import RefusedError, Row

IDLE_SECONDS = 0.1
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 15.0
REASONS = {400: "refused", 413: "too_large"}


class Connection(Protocol):
    """The table's client; `insert` returns how many rows were refused."""

    def insert(self, rows: list[Row]) -> int: ...


class Table(Protocol):
    """Where the rows go."""

    @property
    def name(self) -> str: ...

    def connect(self) -> Connection: ...


class Sender:
    """A thread that sends; where the table can't be reached it asks again for ever."""

    def __init__(self, table: Table, ledger: Ledger) -> None:
        self._table = table
        self._ledger = ledger
        self._connection: Connection | None = None
        self._pause_seconds = FIRST_PAUSE_SECONDS
        self._trouble = ""
        self._stopping = threading.Event()
        self._deadline = float("inf")
        self._thread = threading.Thread(target=self._work, name="log-sender", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, seconds: float) -> None:
        """End when all is sent, or after these seconds."""
        self._deadline = time.monotonic() + seconds
        self._stopping.set()
        self._thread.join(seconds)

    def _work(self) -> None:
        self._connect_early()
        while time.monotonic() < self._deadline:
            segment = self._ledger.take()
            if segment is not None:
                self._try(segment)
            elif self._stopping.is_set():
                return
            else:
                self._stopping.wait(IDLE_SECONDS)

    def _connect_early(self) -> None:
        """Connect while the model loads: the client's import would hold up the first answers."""
        try:
            self._connection = self._table.connect()
        except Exception as error:  # it is tried again with the first rows
            self._say_unwritable(error)

    def _try(self, segment: Segment) -> None:
        try:
            dropped = self._send(segment)
        except FileNotFoundError:
            dropped = Counter(removed=segment.rows)
        except Exception as error:  # whatever Google's client raises, the rows stay on disk
            self._ledger.put_back(segment)
            self._connection = None
            self._say_unwritable(error)
            self._pause()
            return
        self._pause_seconds = FIRST_PAUSE_SECONDS
        self._say("")
        segment.remove()
        self._ledger.settle(segment, dropped)

    def _send(self, segment: Segment) -> Counter[str]:
        """Insert the segment's rows; return those that nobody will ever take, by reason."""
        if self._connection is None:
            self._connection = self._table.connect()
        rows = [orjson.loads(line) for line in segment.lines()]
        dropped: Counter[str] = Counter()
        _insert(self._connection, rows, dropped)
        return dropped

    def _pause(self) -> None:
        if self._stopping.is_set():
            time.sleep(FIRST_PAUSE_SECONDS)
        else:
            self._stopping.wait(self._pause_seconds)
        self._pause_seconds = min(2 * self._pause_seconds, LONGEST_PAUSE_SECONDS)

    def _say_unwritable(self, error: Exception) -> None:
        self._say(f"the request log can't be written to {self._table.name}: {_first(error)}")

    def _say(self, trouble: str) -> None:
        """A trouble once, and its end."""
        if trouble == self._trouble:
            return
        sentence = trouble or f"the request log is written to {self._table.name} again"
        print(sentence, file=sys.stderr, flush=True)
        self._trouble = trouble


def _insert(connection: Connection, rows: list[Row], dropped: Counter[str]) -> None:
    """Insert the rows; by halves where BigQuery refuses the whole, down to the row that it is."""
    try:
        dropped["refused"] += connection.insert(rows)
    except RefusedError as error:
        if len(rows) == 1:
            dropped[REASONS[error.status]] += 1
            return
        middle = len(rows) // 2
        _insert(connection, rows[:middle], dropped)
        _insert(connection, rows[middle:], dropped)


def _first(error: Exception) -> str:
    """The error's first line, bounded."""
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__
