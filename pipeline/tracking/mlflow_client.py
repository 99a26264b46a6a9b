"""Opens mlflow's client: of the database in the folder of runs, or of a team's own server."""

import contextlib
import os
import sqlite3
from pathlib import Path
from typing import Any

from pipeline.local import addresses
from pipeline.tracking.address import HERE

DATABASE = "mlflow.db"
COLUMNS = (("experiments", "artifact_location"), ("runs", "artifact_uri"))
# mlflow's client tries again for four minutes, and waits two for an answer (https://mlflow.org/
# docs/latest/api_reference/python_api/mlflow.environment_variables.html). Here what was not taken
# waits in the outbox.
VARIABLES = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # which is a call more
}


def opened(runs: Path, tracker: str) -> Any:
    """A client of the tracker at that address; nothing is asked of a server yet."""
    os.environ.update(VARIABLES)
    if tracker != HERE:
        from mlflow import MlflowClient

        return MlflowClient(tracker)
    return _of_database(runs)


def artifact_location(runs: Path, tracker: str) -> str | None:
    """The address of the runs' files, as an escaped URI; a server knows its own."""
    return (runs / "mlflow").as_uri() if tracker == HERE else None


def _of_database(runs: Path) -> Any:
    """A client of the folder's database.

    Its address is relative: mlflow decodes `%` in a database's path, and ends it at `#` and `?`.
    """
    os.chdir(runs)
    follow(Path(DATABASE), (runs / "mlflow").as_uri())
    from mlflow import MlflowClient

    return MlflowClient(f"sqlite:///{DATABASE}")


def follow(database_file: Path, location: str) -> None:
    """Put the files' addresses right after the folder was moved.

    A folder in the file's place is refused by SQLite here, and by mlflow only after 100 s.
    """
    if not database_file.exists():
        return
    with contextlib.closing(sqlite3.connect(database_file)) as database, database:
        tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master")}
        if not {table for table, _ in COLUMNS} <= tables:
            return
        rows = database.execute("SELECT DISTINCT artifact_location FROM experiments")
        for (old_location,) in rows.fetchall():
            if old_location.endswith("/mlflow") and old_location != location:
                addresses.move(database, COLUMNS, old_location, location)
