"""Hands a run's six records to an experiment tracker.

A tracker that is down, slow or dead costs a warning, never a run.

As a program it opens mlflow at once, beside the run, and takes one line of JSON, {"summary": ...,
"files": [paths]}, or none where there is no run to keep. It ends where its standard input does:
with the run, however that ends.
"""

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline.local import addresses
from settings import REPOSITORY

# To open the database, and again to take a run: both wait for its other users.
TIMEOUT_SECONDS = 60

DATABASE = "mlflow.db"
COLUMNS = (("experiments", "artifact_location"), ("runs", "artifact_uri"))

Tracker = subprocess.Popen[str]


@contextlib.contextmanager
def started(folder: Path) -> Iterator[Tracker]:
    """Start a tracker: runs in `folder`/mlflow.db, their files in `folder`/mlflow.

    `make experiments` opens them. The tracker is a process, since an import beside TFX's nodes in
    theirs can wait for their module finder for ever. It has a session of its own, so that Ctrl-C
    cannot end it between two tables.
    """
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", __name__, str(folder)]
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY), "PYTHONUTF8": "1"}
    pipes: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    tracker = subprocess.Popen(
        command,
        env=environment,
        start_new_session=True,
        encoding="utf-8",
        **pipes,
    )
    try:
        yield tracker
    finally:
        for pipe in (tracker.stdin, tracker.stdout, tracker.stderr):
            with contextlib.suppress(BrokenPipeError):
                pipe.close()  # type: ignore[union-attr]


def track(tracker: Tracker, summary: dict[str, Any], files: list[Path]) -> str | None:
    """Hand the run to the tracker; return the problem, or None.

    The libraries' own words go to standard error.
    """
    paths = [str(file) for file in files]
    run = json.dumps({"summary": summary, "files": paths})
    try:
        output, errors = tracker.communicate(run, TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired:
        tracker.kill()
        _, errors = tracker.communicate()
        sys.stderr.write(errors)
        return f"no answer within {TIMEOUT_SECONDS} s"
    sys.stderr.write(errors)
    if not tracker.returncode:
        return None
    lines = output.splitlines() or [f"exit {tracker.returncode} without a message"]
    return lines[-1]


def main(folder: str) -> None:
    # A process that hangs does not see that its run is gone: it must not outlive it for ever.
    signal.alarm(TIMEOUT_SECONDS)
    try:
        client = _opened(folder)
        signal.alarm(0)
        if run := sys.stdin.read():
            signal.alarm(TIMEOUT_SECONDS)
            _log(client, folder, **json.loads(run))
    except Exception as error:
        # A tracker is a library with a database behind it: all that it raises is told in a
        # sentence.
        first_line, *_ = str(error).splitlines() or ["no message"]
        print(f"{type(error).__name__}: {first_line}")
        raise


def _opened(folder: str) -> Any:
    """A client of the folder's database.

    Its address is relative: mlflow decodes `%` in a database's path, and ends it at `#` and `?`.
    """
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    os.chdir(folder)
    _follow(Path(DATABASE), _artifacts(folder))
    from mlflow import MlflowClient

    return MlflowClient(f"sqlite:///{DATABASE}")


def _artifacts(folder: str) -> str:
    """The address of the runs' files, as an escaped URI."""
    return (Path(folder) / "mlflow").as_uri()


def _follow(database_file: Path, address: str) -> None:
    """Put the files' addresses right after the folder was moved."""
    if not database_file.is_file():
        return
    with contextlib.closing(sqlite3.connect(database_file)) as database, database:
        tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master")}
        if not {table for table, _ in COLUMNS} <= tables:
            return
        rows = database.execute("SELECT DISTINCT artifact_location FROM experiments")
        for (old_address,) in rows.fetchall():
            if old_address.endswith("/mlflow") and old_address != address:
                addresses.move(database, COLUMNS, old_address, address)


def _log(client: Any, folder: str, summary: dict[str, Any], files: list[str]) -> None:
    from mlflow.entities import Metric, Param

    experiment_id = _experiment_id(client, folder, summary["model"])
    tags = _tags(summary)
    run = client.create_run(experiment_id, run_name=summary["run"], tags=tags)
    run_id = run.info.run_id
    now = int(time.time() * 1000)
    hyperparameters = summary["records"]["hyperparameters"]
    metrics = [Metric(name, value, now, 0) for name, value in summary["metrics"].items()]
    params = [Param(name, str(value)) for name, value in hyperparameters.items()]
    client.log_batch(run_id, metrics=metrics, params=params)
    for file in files:
        client.log_artifact(run_id, file)
    succeeded = summary["state"] == "succeeded"
    status = "FINISHED" if succeeded else "FAILED"
    client.set_terminated(run_id, status)


def _experiment_id(client: Any, folder: str, model: str) -> Any:
    """The model's experiment, made where there is none yet."""
    experiment = client.get_experiment_by_name(model)
    if experiment:
        return experiment.experiment_id
    return client.create_experiment(model, artifact_location=_artifacts(folder))


def _tags(summary: dict[str, Any]) -> dict[str, str]:
    """The decision, and the records beside parameters and metrics, flat.

    The files that train are too many for a tag: the artifact summary.json has them.
    """
    records = summary["records"]
    groups = {name: dict(records[name]) for name in ("code", "environment", "data", "model_type")}
    groups["decision"] = summary["decision"]
    groups["code"].pop("files", None)
    packages = groups["environment"].pop("packages", {})
    groups["environment"].update(packages)
    tags = {}
    for group, values in groups.items():
        for name, value in values.items():
            tags[f"{group}.{name}"] = str(value)
    return tags


if __name__ == "__main__":
    main(sys.argv[1])
    os._exit(0)  # taking mlflow apart again would take a second, for which the run would wait
