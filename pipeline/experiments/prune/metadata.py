"""Takes runs out of ML Metadata's database, in one transaction.

Its client has no call that removes (github.com/google/ml-metadata, metadata_store.proto: puts and
gets). The tables are those of schema version 10, which pipeline.lineage.local_store checks. SQLite
gives no id twice (AUTOINCREMENT), so that a later execution never gets a removed one's folder.
"""

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path

from pipeline.errors import RunError
from pipeline.local import metadata_database

WAIT_SECONDS = 10  # for another process that writes
RUNS = "CREATE TEMP TABLE gone_run (name TEXT PRIMARY KEY)"
# What belongs to removed runs alone. A kept run's cached node has an execution of its own.
EXECUTIONS = """
CREATE TEMP TABLE gone_execution AS
SELECT in_run.execution_id AS id FROM Association in_run
JOIN Context run ON run.id = in_run.context_id
JOIN Type type ON type.id = run.type_id AND type.name = 'pipeline_run'
GROUP BY in_run.execution_id
HAVING sum(run.name NOT IN (SELECT name FROM gone_run)) = 0
"""
ARTIFACTS = """
CREATE TEMP TABLE gone_artifact AS
SELECT artifact_id AS id FROM Event
GROUP BY artifact_id
HAVING sum(execution_id NOT IN (SELECT id FROM gone_execution)) = 0
"""
CONTEXTS = """
CREATE TEMP TABLE gone_context AS
SELECT run.id FROM Context run
JOIN Type type ON type.id = run.type_id AND type.name = 'pipeline_run'
WHERE run.name IN (SELECT name FROM gone_run)
UNION
SELECT cache.id FROM Context cache
JOIN Type type ON type.id = cache.type_id AND type.name = 'execution_cache'
JOIN Association in_cache ON in_cache.context_id = cache.id
GROUP BY cache.id
HAVING sum(in_cache.execution_id NOT IN (SELECT id FROM gone_execution)) = 0
"""
GONE_EVENTS = "SELECT id FROM Event WHERE execution_id IN (SELECT id FROM gone_execution)"
# A table, and the column of what is gone.
DELETIONS = (
    ("Event", "execution_id", "gone_execution"),
    ("Association", "execution_id", "gone_execution"),
    ("Association", "context_id", "gone_context"),
    ("Attribution", "artifact_id", "gone_artifact"),
    ("Attribution", "context_id", "gone_context"),
    ("ParentContext", "context_id", "gone_context"),
    ("ParentContext", "parent_context_id", "gone_context"),
    ("ContextProperty", "context_id", "gone_context"),
    ("ExecutionProperty", "execution_id", "gone_execution"),
    ("ArtifactProperty", "artifact_id", "gone_artifact"),
    ("Context", "id", "gone_context"),
    ("Execution", "id", "gone_execution"),
    ("Artifact", "id", "gone_artifact"),
)


MODULES = "SELECT execution_id, string_value FROM ExecutionProperty WHERE instr(string_value, ?)"
TEXTS = "SELECT uri FROM Artifact UNION SELECT string_value FROM ExecutionProperty"


def remove(store: Path, runs: Iterable[str]) -> None:
    """Remove the runs, and what only they made and read; raises RunError with nothing removed."""
    if not _file(store).exists():
        return
    names = [(run,) for run in runs]
    with _opened(store, "rw") as database:
        database.execute("PRAGMA temp_store = MEMORY")
        database.execute("BEGIN IMMEDIATE")
        database.execute(RUNS)
        database.executemany("INSERT INTO gone_run VALUES (?)", names)
        for statement in (EXECUTIONS, ARTIFACTS, CONTEXTS):
            database.execute(statement)
        database.execute(f"DELETE FROM EventPath WHERE event_id IN ({GONE_EVENTS})")
        for table, column, gone in DELETIONS:
            database.execute(f"DELETE FROM {table} WHERE {column} IN (SELECT id FROM {gone})")


def module_properties(store: Path, folder: str) -> list[tuple[str, str]]:
    """The executions' properties that name a file in the folder of modules, each with its id."""
    with _opened(store, "ro") as database:
        rows = database.execute(MODULES, [f"/{folder}/"]).fetchall()
    return [(str(id_), text) for id_, text in rows]


def texts(store: Path) -> set[str]:
    """All addresses and texts that artifacts and executions have."""
    if not _file(store).exists():
        return set()
    with _opened(store, "ro") as database:
        rows = database.execute(TEXTS).fetchall()
    return {text for (text,) in rows if isinstance(text, str)}


def _file(store: Path) -> Path:
    return store / metadata_database.NAME


@contextlib.contextmanager
def _opened(store: Path, mode: str) -> Iterator[sqlite3.Connection]:
    """The database in one transaction."""
    file = _file(store)
    address = f"{file.resolve().as_uri()}?mode={mode}"
    try:
        database = sqlite3.connect(address, uri=True, timeout=WAIT_SECONDS)
        with contextlib.closing(database), database:
            yield database
    except sqlite3.OperationalError as error:  # locked, no room, not writable
        raise RunError(f"{file} cannot be used ({error})") from error
    except sqlite3.DatabaseError as error:
        raise RunError(f"{file} is damaged ({error})") from error
