"""The runs of this machine, also the imported ones, from their folders.

A run without a summary runs now, or was killed before its end. One whose files can't be read is
left out, and the reason is told.
"""

import contextlib
import fcntl
import json
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from pipeline import places
from pipeline.errors import RunError
from pipeline.experiments import row, tags
from pipeline.experiments.row import HERE, IMPORTED, INCOMPLETE, RUNNING, Row
from pipeline.local.run_names import SUMMARY

ID = re.compile(r"(\d{8}-\d{6})-(.+)-[0-9a-f]{6}")  # as pipeline.local.runs makes it


def folders(runs: Path) -> Iterator[str]:
    """The runs' folders below `runs`; an imported one is imported/PROJECT/RUN."""
    for name in _subfolders(runs):
        if ID.fullmatch(name) or (runs / name / SUMMARY).exists():
            yield name
    imported = runs / IMPORTED
    for project in _subfolders(imported):
        for name in _subfolders(imported / project):
            yield f"{IMPORTED}/{project}/{name}"


def _subfolders(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))
    except (FileNotFoundError, NotADirectoryError):
        return []


def stamp(folder: Path) -> str:
    """What changes whenever a file that a row is made of does; empty without a summary."""
    summary = _stamp(folder / SUMMARY)
    return f"{summary} {_stamp(folder / tags.NAME)}" if summary else ""


def _stamp(file: Path) -> str:
    try:
        facts = file.stat()
    except OSError:
        return ""
    return f"{facts.st_mtime_ns}:{facts.st_size}:{facts.st_ino}"


def read(runs: Path, folder: str) -> Row:
    """The run's row; raises RunError where its files can't be read."""
    file = runs / folder / SUMMARY
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return _without_summary(runs, folder)
    except (OSError, ValueError) as error:
        raise RunError(f"{file} is left out, it cannot be read ({error!r:.100})") from error
    place = IMPORTED if folder.startswith(f"{IMPORTED}/") else HERE
    try:
        summary = json.loads(text)
        return row.of_summary(summary, place, folder, tags.read(file.parent))
    except (ValueError, RecursionError) as error:
        raise RunError(f"{file} is left out, it is no JSON ({error!r:.100})") from error
    except RunError as error:
        raise RunError(f"{file} is left out: {error}") from error


def _without_summary(runs: Path, folder: str) -> Row:
    match = ID.fullmatch(folder)
    started = time_of(folder)
    if match is None or started is None:
        raise RunError(f"{runs / folder} is left out, it has no {SUMMARY}")
    model = match[2]
    state = RUNNING if is_running(runs, folder) else INCOMPLETE
    try:
        marks = tags.read(runs / folder)
    except RunError as error:
        raise RunError(f"{runs / folder} is left out: {error}") from error
    return row.of_folder(runs / folder, model, started.isoformat(), state, marks)


def time_of(run: str) -> datetime | None:
    """The time in the run's id; None in one of another form."""
    match = ID.fullmatch(run)
    if match is None:
        return None
    try:
        return datetime.strptime(match[1], "%Y%m%d-%H%M%S").replace(tzinfo=UTC)
    except ValueError:  # digits that are no date
        return None


def is_running(runs: Path, run: str) -> bool:
    """Whether a process works on the run: it has taken the store, and then begun the folder.

    An id is no older or newer than another: the clock may have gone back in between.
    """
    match = ID.fullmatch(run)
    if match is None:
        return False
    store = runs / "store" / match[2]
    if not is_locked(store):
        return False
    try:
        return (runs / run).stat().st_mtime_ns >= (store / ".lock").stat().st_mtime_ns
    except OSError:  # one of both has gone
        return False


@contextlib.contextmanager
def alone(runs: Path, *, waits: bool = False) -> Iterator[None]:
    """Keep a removal and a change of tags apart, each from its own kind, too.

    One that does not wait for another raises RunError.
    """
    folder = os.open(runs, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX if waits else fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise RunError(
            f"{places.shown(runs)}: another `runs prune` works here; wait for it, or end it"
        ) from error
    finally:
        os.close(folder)


def is_locked(store: Path) -> bool:
    """Whether a process works in the store.

    The lock is tried only where the process that wrote into it is alive: a run that begins at that
    moment would find it taken.
    """
    try:
        process = int((store / ".lock").read_text(encoding="utf-8"))
        os.kill(process, 0)
        with open(store / ".lock", "rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except (OSError, ValueError):
        return False
    return False
