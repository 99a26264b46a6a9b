"""The runs that mlflow keeps on this machine, by the ids of ours.

mlflow's own removal (`SqlAlchemyStore._hard_delete_run` in mlflow/store/tracking/
sqlalchemy_store.py of github.com/mlflow/mlflow, for `mlflow gc`) deletes the same rows; its import
takes seconds. What a team's own server was sent stays there.
"""

import contextlib
import re
import sqlite3
from collections import defaultdict
from collections.abc import Collection, Iterator
from pathlib import Path

from pipeline.errors import RunError
from pipeline.tracking.mlflow_client import DATABASE
from pipeline.tracking.tracker import TAG

FILES = "mlflow"
WAIT_SECONDS = 10  # for a run that writes
ID = re.compile(r"[0-9a-f]{32}")
COLUMN = "run_uuid"
NAMES = "SELECT run_uuid, name FROM runs"
TAGS = "SELECT run_uuid, value FROM tags WHERE key = ?"
TABLES = """
SELECT DISTINCT master.name FROM sqlite_master master
JOIN pragma_table_info(master.name) field
WHERE master.type = 'table' AND field.name = ? AND master.name <> 'runs'
"""


def folders(runs: Path) -> dict[str, list[Path]]:
    """The folders of mlflow's files of each of our runs; raises RunError as `_ids` does."""
    by_run: dict[str, list[Path]] = defaultdict(list)
    for run, ids in _ids(runs).items():
        by_run[run] = [runs / FILES / id_ for id_ in sorted(ids)]
    return by_run


def _ids(runs: Path) -> dict[str, set[str]]:
    """mlflow's ids of each of our runs; raises RunError where its database can't be read."""
    by_run: dict[str, set[str]] = defaultdict(set)
    with _opened(runs, "ro") as database:
        if database is not None:
            rows = [*database.execute(NAMES), *database.execute(TAGS, [TAG])]
            for id_, run in rows:
                if ID.fullmatch(id_):
                    by_run[run].add(id_)
    return by_run


def remove(runs: Path, names: Collection[str]) -> None:
    """Remove the rows of the runs of these names."""
    by_run = _ids(runs)
    ids = [(id_,) for name in names for id_ in by_run.get(name, ())]
    if not ids:
        return
    with _opened(runs, "rw") as database:
        assert database is not None
        tables = [table for (table,) in database.execute(TABLES, [COLUMN])]
        for table in [*tables, "runs"]:
            database.executemany(f'DELETE FROM "{table}" WHERE {COLUMN} = ?', ids)


@contextlib.contextmanager
def _opened(runs: Path, mode: str) -> Iterator[sqlite3.Connection | None]:
    """The database in one transaction; None where there is none, or none of mlflow's yet."""
    file = runs / DATABASE
    if not file.exists():
        yield None
        return
    try:
        address = f"{file.resolve().as_uri()}?mode={mode}"
        database = sqlite3.connect(address, uri=True, timeout=WAIT_SECONDS)
        with contextlib.closing(database), database:
            tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master")}
            yield database if {"runs", "tags"} <= tables else None
    except sqlite3.DatabaseError as error:
        raise RunError(f"{file} cannot be used ({error}): nothing of it is removed") from error
