"""The rows of runs in the cloud beside those of this machine, so that only changes are asked for.

An index that can't be read or written costs requests and nothing else.
"""

import contextlib
import json
import sqlite3
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

from pipeline.experiments import row
from pipeline.experiments.index import opened
from pipeline.experiments.row import Row

VERSION = 1  # of the rows; those of another are never looked at
TABLES = (
    "CREATE TABLE IF NOT EXISTS cloud_runs"
    " (place TEXT, name TEXT, updated TEXT, row TEXT, PRIMARY KEY (place, name))",
    "CREATE TABLE IF NOT EXISTS cloud_places (place TEXT PRIMARY KEY, read_at REAL)",
)
PUT = "INSERT OR REPLACE INTO cloud_runs VALUES (?, ?, ?, ?)"


class Entry(NamedTuple):
    updated: str  # as the service tells it
    row: Row | None  # None for a context that is no run of ours


class Copy(NamedTuple):
    """The entries of a place by their contexts' names, and when all of them were read."""

    read_at: float
    entries: dict[str, Entry]


def read(runs: Path, place: str) -> Copy | None:
    """The copy of a place, None without one and for one that another checkout has left."""
    try:
        with opened(runs, "ro") as database:
            place_row = database.execute(
                "SELECT read_at FROM cloud_places WHERE place = ?", [_key(place)]
            ).fetchone()
            rows = database.execute(
                "SELECT name, updated, row FROM cloud_runs WHERE place = ?", [_key(place)]
            ).fetchall()
    except sqlite3.Error:
        return None
    if place_row is None:
        return None
    [read_at] = place_row
    try:
        entries = {name: Entry(updated, _decoded(text)) for name, updated, text in rows}
    except (ValueError, TypeError, KeyError):
        return None
    return Copy(read_at, entries)


def _decoded(text: str) -> Row | None:
    document = json.loads(text)
    return None if document is None else row.decode(document)


def replace(runs: Path, place: str, copy: Copy) -> None:
    """Keep these entries of a place, and no others."""
    key = _key(place)
    with contextlib.suppress(sqlite3.Error), opened(runs, "rwc") as database, database:
        _prepare(database)
        database.execute("DELETE FROM cloud_runs WHERE place = ?", [key])
        _put(database, key, copy.entries)
        database.execute("INSERT OR REPLACE INTO cloud_places VALUES (?, ?)", [key, copy.read_at])


def update(runs: Path, place: str, changed: Mapping[str, Entry]) -> None:
    """Keep these entries of a place beside its others."""
    with contextlib.suppress(sqlite3.Error), opened(runs, "rwc") as database, database:
        _prepare(database)
        _put(database, _key(place), changed)


def _prepare(database: sqlite3.Connection) -> None:
    for table in TABLES:
        database.execute(table)


def _put(database: sqlite3.Connection, key: str, entries: Mapping[str, Entry]) -> None:
    rows = [
        (key, name, entry.updated, json.dumps(entry.row and asdict(entry.row)))
        for name, entry in entries.items()
    ]
    database.executemany(PUT, rows)


def _key(place: str) -> str:
    return f"{VERSION} {place}"
