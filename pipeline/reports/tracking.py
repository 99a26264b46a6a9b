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
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from settings import REPOSITORY

# To open the database, and again to take a run: both wait for its other users.
TIMEOUT_SECONDS = 60


@contextlib.contextmanager
def started(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Start a tracker: runs in `folder`/mlflow.db, their files in `folder`/mlflow.

    `make experiments` opens them. The tracker is a process, since an import beside TFX's nodes in
    theirs can wait for their module finder for ever. It has a session of its own, so that Ctrl-C
    cannot end it between two tables.
    """
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", __name__, str(folder)]
    pipes: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    tracker = subprocess.Popen(
        command,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        start_new_session=True,
        text=True,
        **pipes,
    )
    try:
        yield tracker
    finally:
        for pipe in (tracker.stdin, tracker.stdout, tracker.stderr):
            with contextlib.suppress(BrokenPipeError):
                pipe.close()  # type: ignore[union-attr]


def track(tracker: subprocess.Popen[str], summary: dict[str, Any], files: list[Path]) -> str | None:
    """Hand the run to the tracker; return the problem, or None.

    The libraries' own words go to standard error.
    """
    run = json.dumps({"summary": summary, "files": [str(file) for file in files]})
    try:
        output, errors = tracker.communicate(run, TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired:
        tracker.kill()
        sys.stderr.write(tracker.communicate()[1])
        return f"no answer within {TIMEOUT_SECONDS} s"
    sys.stderr.write(errors)
    if not tracker.returncode:
        return None
    lines = output.splitlines() or [f"exit {tracker.returncode} without a word"]
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
        message = str(error).splitlines()[0] if str(error) else "no message"
        print(f"{type(error).__name__}: {message}")
        raise


def _opened(folder: str) -> Any:
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    from mlflow import MlflowClient

    return MlflowClient(f"sqlite:///{folder}/mlflow.db")


def _log(client: Any, folder: str, summary: dict[str, Any], files: list[str]) -> None:
    from mlflow.entities import Metric, Param

    experiment = client.get_experiment_by_name(summary["model"])
    if experiment:
        id_ = experiment.experiment_id
    else:
        location = f"file://{folder}/mlflow"
        id_ = client.create_experiment(summary["model"], artifact_location=location)
    run = client.create_run(id_, run_name=summary["run"], tags=_tags(summary)).info.run_id
    now = int(time.time() * 1000)
    metrics = [Metric(name, value, now, 0) for name, value in summary["metrics"].items()]
    params = [
        Param(name, str(value)) for name, value in summary["records"]["hyperparameters"].items()
    ]
    client.log_batch(run, metrics=metrics, params=params)
    for file in files:
        client.log_artifact(run, file)
    client.set_terminated(run, "FINISHED" if summary["state"] == "succeeded" else "FAILED")


def _tags(summary: dict[str, Any]) -> dict[str, str]:
    """The decision, and the records beside parameters and metrics, flat."""
    groups = {
        **{k: summary["records"][k] for k in ("code", "environment", "data", "model_type")},
        "decision": summary["decision"],
    }
    return {
        f"{group}.{name}": str(value)
        for group, values in groups.items()
        for name, value in values.items()
    }


if __name__ == "__main__":
    main(sys.argv[1])
    os._exit(0)  # taking mlflow apart again would take a second, for which the run would wait
