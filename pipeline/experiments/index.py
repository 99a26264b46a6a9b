"""The runs' rows in one SQLite file, so that thousands are listed without opening each.

The runs' own files are the truth: a row is used only while they are as they were. An index that is
missing, damaged, of another version, locked or in a folder that can't be written to costs time and
nothing else.
"""

import contextlib
import json
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

from pipeline.errors import RunError
from pipeline.experiments import local, row
from pipeline.experiments.row import Row

NAME = ".index.db"
VERSION = 1  # of the rows; those of another are made again
WAIT_SECONDS = 1  # for another process that writes
TABLE = "CREATE TABLE IF NOT EXISTS runs (folder TEXT PRIMARY KEY, stamp TEXT, row TEXT)"
PUT = "INSERT OR REPLACE INTO runs VALUES (?, ?, ?)"


class Kept(NamedTuple):
    stamp: str
    row: str  # JSON


class Listing(NamedTuple):
    rows: list[Row]
    problems: list[str]  # a sentence for each run that is left out


def listing(runs: Path) -> Listing:
    """Every run of the folder, in the order of their ids."""
    kept = _read(runs)
    rows, problems, changed = [], [], {}
    present = set()
    for folder in local.folders(runs):
        present.add(folder)
        stamp = local.stamp(runs / folder)
        kept_row = _current(kept.get(folder), stamp)
        if kept_row:
            rows.append(kept_row)
            continue
        try:
            read_row = local.read(runs, folder)
        except RunError as error:
            problems.append(str(error))
            continue
        rows.append(read_row)
        if stamp and is_text(folder):
            changed[folder] = Kept(stamp, json.dumps(asdict(read_row)))
    _update(runs, changed, kept.keys() - present)
    return Listing(rows, problems)


def is_text(name: str) -> bool:
    """Whether SQLite takes the name; one in another encoding than UTF-8 is no text to it."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _current(entry: Kept | None, stamp: str) -> Row | None:
    """The kept row where its files are as they were, and the row is one."""
    if entry is None or entry.stamp != stamp:
        return None
    try:
        return row.decode(json.loads(entry.row))
    except (ValueError, TypeError, KeyError):
        return None


def forget(runs: Path, folders: Iterable[str]) -> None:
    """Take the rows of runs away."""
    _update(runs, {}, set(filter(is_text, folders)))


def _read(runs: Path) -> dict[str, Kept]:
    try:
        with opened(runs, "ro") as database:
            [version] = database.execute("PRAGMA user_version").fetchone()
            if version != VERSION:
                return {}
            rows = database.execute("SELECT folder, stamp, row FROM runs").fetchall()
    except sqlite3.Error:
        return {}
    return {folder: Kept(stamp, text) for folder, stamp, text in rows}


def _update(runs: Path, changed: dict[str, Kept], gone: set[str]) -> None:
    if not (changed or gone):
        return
    try:
        _write(runs, changed, gone)
    except sqlite3.OperationalError:  # locked, read-only, or the disk is full
        return
    except sqlite3.DatabaseError:  # damaged
        with contextlib.suppress(OSError):
            (runs / NAME).unlink()


def _write(runs: Path, changed: dict[str, Kept], gone: set[str]) -> None:
    with opened(runs, "rwc") as database, database:
        [version] = database.execute("PRAGMA user_version").fetchone()
        if version != VERSION:
            database.execute("DROP TABLE IF EXISTS runs")
            database.execute(f"PRAGMA user_version = {VERSION}")
        database.execute(TABLE)
        database.executemany("DELETE FROM runs WHERE folder = ?", [(name,) for name in gone])
        rows = [(folder, *entry) for folder, entry in changed.items()]
        database.executemany(PUT, rows)


@contextlib.contextmanager
def opened(runs: Path, mode: str) -> Iterator[sqlite3.Connection]:
    address = f"{(runs / NAME).absolute().as_uri()}?mode={mode}"
    database = sqlite3.connect(address, timeout=WAIT_SECONDS, uri=True)
    try:
        yield database
    finally:
        database.close()
