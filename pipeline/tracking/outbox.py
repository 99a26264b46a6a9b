"""Runs that wait for their tracker: runs/outbox/<run>.json, which names it.

A run's entry is there before its summary and until the tracker has the run, so that no kill loses
it. What is sent is read from the run's own folder.
"""

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from pipeline import places
from pipeline.errors import ConfigurationError, RunError
from pipeline.local.store import write
from pipeline.tracking import address

NAME = "outbox"
SUFFIX = ".json"


class Entry(NamedTuple):
    run: str
    tracker: str  # its address


def put(runs: Path, entry: Entry) -> None:
    """Have the run wait; raises RunError where that can't be written."""
    write(_file(runs, entry.run), f"{json.dumps({'tracker': entry.tracker})}\n")


def names(runs: Path) -> list[str]:
    """The runs that wait, the oldest first; raises RunError for an outbox that can't be read."""
    folder = runs / NAME
    try:
        files = os.listdir(folder)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise RunError(f"{places.shown(folder)}: cannot be read ({error.strerror})") from error
    return sorted(file.removesuffix(SUFFIX) for file in files if file.endswith(SUFFIX))


def read(runs: Path, run: str) -> Entry | None:
    """The run's entry, None where it no longer waits; raises RunError for a damaged one."""
    file = _file(runs, run)
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
        tracker = address.checked("tracker", document["tracker"])
    except FileNotFoundError:
        return None
    except ConfigurationError as error:
        raise RunError(f"{file}: {error}") from error
    except (OSError, ValueError, RecursionError, TypeError, KeyError, AttributeError) as error:
        raise RunError(f"{file}: no entry of a run that waits ({error!r:.100})") from error
    return Entry(run, tracker)


@contextlib.contextmanager
def taken(runs: Path, run: str) -> Iterator[bool]:
    """Hold the run's entry, which ends with the block unless that raises.

    Yields whether the run still waits. One process sends a run at a time, and the kernel takes the
    lock of one that was killed.
    """
    file = _file(runs, run)
    try:
        lock = open(file, "rb")  # noqa: SIM115
    except FileNotFoundError:
        yield False
        return
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        is_waiting = file.exists()
        yield is_waiting
        if is_waiting:
            drop(runs, run)


def drop(runs: Path, run: str) -> None:
    """Take the run's entry away; raises RunError where that can't be done."""
    file = _file(runs, run)
    try:
        file.unlink(missing_ok=True)
    except OSError as error:
        raise places.cannot_be_written(file, error) from error


def _file(runs: Path, run: str) -> Path:
    return runs / NAME / f"{run}{SUFFIX}"
