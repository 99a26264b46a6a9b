"""Hands a run's six records to an experiment tracker; one that is down, slow or dead costs a warning, never a run.

As a program it opens mlflow at once, beside the run, and takes one line of JSON, {"summary": ..., "files": [paths]}, or none where there is no run
to keep. It ends where its standard input does: with the run, however that ends.
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

TIMEOUT_SECONDS = (
    60  # for opening as for taking a run, both of which wait for whoever else has the database
)


@contextlib.contextmanager
def started(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A tracker that keeps runs in `folder`/mlflow.db and their files in `folder`/mlflow; `make experiments` opens them.

    A process, since whatever is imported beside TFX's nodes in theirs can wait for their module finder for ever. It has a session of its own, so
    that Ctrl-C cannot end it between two tables.
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
    """What kept the tracker from taking the run, None where nothing did; the libraries' own words go to standard error."""
    try:
        said, errors = tracker.communicate(
            json.dumps({"summary": summary, "files": [str(file) for file in files]}),
            TIMEOUT_SECONDS,
        )
    except subprocess.TimeoutExpired:
        tracker.kill()
        sys.stderr.write(tracker.communicate()[1])
        return f"no answer within {TIMEOUT_SECONDS} s"
    sys.stderr.write(errors)
    return (
        (said.splitlines() or [f"exit {tracker.returncode} without a word"])[-1]
        if tracker.returncode
        else None
    )


def main(folder: str) -> None:
    signal.alarm(
        TIMEOUT_SECONDS
    )  # a process that hangs does not see that its run is gone: it must not outlive it for ever
    try:
        client = _opened(folder)
        signal.alarm(0)
        if run := sys.stdin.read():
            signal.alarm(TIMEOUT_SECONDS)
            _log(client, folder, **json.loads(run))
    except Exception as error:  # a tracker is a library with a database behind it: whatever it raises is told in a sentence
        print(
            f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'no message'}"
        )
        raise


def _opened(folder: str) -> Any:
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    from mlflow import MlflowClient

    return MlflowClient(f"sqlite:///{folder}/mlflow.db")


def _log(client: Any, folder: str, summary: dict[str, Any], files: list[str]) -> None:
    from mlflow.entities import Metric, Param

    experiment = client.get_experiment_by_name(summary["model"])
    id_ = (
        experiment.experiment_id
        if experiment
        else client.create_experiment(summary["model"], artifact_location=f"file://{folder}/mlflow")
    )
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
    """The records that are neither parameters nor metrics, and the decision, flat."""
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
