"""Logged requests on disk, from their flush until the table has them.

A segment is a file of rows, one JSON object a line, and is sent as one insert. It is written under
another name, brought to disk and renamed: a process that is killed leaves whole segments alone.
"""

import contextlib
import fcntl
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import ConfigurationError, RunError

SUFFIX, PARTIAL_SUFFIX = ".ndjson", ".part"
NAME = re.compile(r"(?P<number>[0-9]{12})-(?P<rows>[0-9]{1,9})\.ndjson")
SEGMENT_BYTES = 5 * 2**20  # Google takes 10 MB an insert
SEGMENT_ROWS = 5_000  # Google takes 50,000 rows


@dataclass(frozen=True)
class Segment:
    """A file; its name holds its place in time and its number of rows."""

    path: Path
    rows: int
    size: int  # bytes

    @property
    def number(self) -> int:
        number, _, _ = self.path.name.partition("-")
        return int(number)

    def lines(self) -> list[bytes]:
        return self.path.read_bytes().splitlines()

    def remove(self) -> None:
        # Where it can't go, the next process sends it again, and the view shows it once.
        with contextlib.suppress(OSError):
            self.path.unlink()


class Spool:
    """A folder of segments, owned by one process.

    Raises ConfigurationError for a folder that can't be written to, RunError for another process's.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = _owned(folder)
        for path in folder.glob(f"*{PARTIAL_SUFFIX}"):
            if path.is_file():
                path.unlink()
        self.segments = list(_segments(folder))  # left by an earlier process, the oldest first
        self._number = self.segments[-1].number + 1 if self.segments else 0

    def write(self, lines: list[bytes]) -> Segment:
        """Bring the rows of one insert to disk; raises OSError and leaves none of them then."""
        name = f"{self._number:012}-{len(lines)}"
        content = b"\n".join(lines)
        partial_file = self._folder / f"{name}{PARTIAL_SUFFIX}"
        path = self._folder / f"{name}{SUFFIX}"
        try:
            with partial_file.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            partial_file.rename(path)
        except OSError:
            with contextlib.suppress(OSError):
                partial_file.unlink()
            raise
        self._number += 1
        return Segment(path, len(lines), len(content))

    def close(self) -> None:
        os.close(self._lock)


def in_segments(lines: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Split rows into shares of one insert each."""
    share: list[bytes] = []
    size = 0
    for line in lines:
        size += len(line) + 1
        full = size > SEGMENT_BYTES or len(share) == SEGMENT_ROWS
        if share and full:
            yield share
            share, size = [], len(line) + 1
        share.append(line)
    if share:
        yield share


def _segments(folder: Path) -> Iterator[Segment]:
    """The segments in order; other files in the folder are not the log's."""
    for path in sorted(folder.iterdir()):
        match = NAME.fullmatch(path.name)
        if match and path.is_file():
            yield Segment(path, int(match["rows"]), path.stat().st_size)


def _owned(folder: Path) -> int:
    """Lock the folder for this process's life; make a missing one."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise ConfigurationError(
            f"{folder}: no request log can be kept there ({error.strerror}), "
            "allowed is a folder that can be written to"
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(lock)
        raise RunError(
            f"{folder}: another server keeps its request log there: "
            "stop it, or serve this one without a log"
        ) from error
    return lock
