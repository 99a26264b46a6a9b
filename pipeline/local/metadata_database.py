"""Checks a store's metadata.db at its opening, and follows a moved store.

ML Metadata keeps the absolute address of each artifact. They are put right in one transaction, so
that a copied store uses its own files and never those of the original.
"""

import contextlib
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from pipeline.errors import RunError
from pipeline.local import addresses

NAME = "metadata.db"
COLUMNS = (
    ("Artifact", "uri"),
    ("ArtifactProperty", "string_value"),
    ("ExecutionProperty", "string_value"),
)
# ROOT/NODE/KEY/EXECUTION, as TFX's OutputsResolver makes it.
ADDRESS = re.compile(r"(.+)/[A-Z]\w*/\w+/\d+")


def prepare(store: Path) -> None:
    """Check the store's database and move its addresses to `store`.

    Raises RunError for a damaged one.
    """
    file = store / NAME
    if not file.exists():
        # SQLite would play a removed database's journal into the next one.
        file.with_name(f"{NAME}-journal").unlink(missing_ok=True)
        return
    if not file.is_file():
        raise RunError(f"{file} is no file: move it away and run again")
    with _usable(file) as database:
        problem = _problem(database, store)
        if problem:
            raise _damaged(file, problem)
        for root in _roots(database):
            if root != str(store):
                addresses.move(database, COLUMNS, root, str(store))


@contextlib.contextmanager
def _usable(file: Path) -> Iterator[sqlite3.Connection]:
    """The database in one transaction; raises RunError with SQLite's error."""
    try:
        with contextlib.closing(sqlite3.connect(file)) as database, database:
            yield database
    except sqlite3.OperationalError as error:  # locked, no room, not writable
        raise RunError(f"{file} cannot be used ({error})") from error
    except sqlite3.DatabaseError as error:
        raise _damaged(file, str(error)) from error


def _damaged(file: Path, problem: str) -> RunError:
    return RunError(
        f"{file} is damaged ({problem}): remove it and run again, which makes all anew; "
        "what is published stays"
    )


def _problem(database: sqlite3.Connection, store: Path) -> str | None:
    """The problem of the database, or None."""
    [(verdict,)] = database.execute("PRAGMA quick_check(1)")
    if verdict != "ok":
        lines = str(verdict).splitlines()
        return lines[-1]
    missing_tables = _missing_tables(database)
    # A run that was killed at once leaves an unfinished one, and no artifact.
    if missing_tables and any(store.glob("[A-Z]*")):
        return f"it lacks the table {missing_tables[0]}"
    return None


def _missing_tables(database: sqlite3.Connection) -> list[str]:
    tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master")}
    return [table for table, _ in COLUMNS if table not in tables]


def _roots(database: sqlite3.Connection) -> set[str]:
    """The store's folders in the artifacts' addresses, as of their writing."""
    if _missing_tables(database):
        return set()
    rows = database.execute("SELECT uri FROM Artifact WHERE typeof(uri) = 'text'")
    matches = [ADDRESS.fullmatch(uri) for (uri,) in rows]
    return {match[1] for match in matches if match}
