"""Hands a run's six records to an experiment tracker; one that is down costs a warning, never a run."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Tracker = Callable[[dict[str, Any], list[Path]], None]  # takes a summary and files to keep beside it


def track(tracker: Tracker, summary: dict[str, Any], files: list[Path]) -> str | None:
    """What kept the tracker from taking the run, None where nothing did."""
    try:
        tracker(summary, files)
    except Exception as error:  # a tracker is a library with a database behind it: whatever it raises is not the run's
        return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'no message'}"
    return None


def mlflow_tracker(folder: Path) -> Tracker:
    """Keeps runs in `folder`/mlflow.db and their files in `folder`/mlflow; `make experiments` opens them.

    It opens when it is given a run, once the nodes have ended: TFX's module finder has a lock of its own, and what is imported beside a node
    that loads its module can wait for it for ever.
    """

    def tracker(summary: dict[str, Any], files: list[Path]) -> None:
        os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
        from mlflow import MlflowClient

        _log(MlflowClient(f"sqlite:///{folder}/mlflow.db"), folder, summary, files)

    return tracker


def _log(client: Any, folder: Path, summary: dict[str, Any], files: list[Path]) -> None:
    from mlflow.entities import Metric, Param

    experiment = client.get_experiment_by_name(summary["model"])
    id_ = (
        experiment.experiment_id if experiment else client.create_experiment(summary["model"], artifact_location=f"file://{folder}/mlflow")
    )
    run = client.create_run(id_, run_name=summary["run"], tags=_tags(summary)).info.run_id
    now = int(time.time() * 1000)
    metrics = [Metric(name, value, now, 0) for name, value in summary["metrics"].items()]
    params = [Param(name, str(value)) for name, value in summary["records"]["hyperparameters"].items()]
    client.log_batch(run, metrics=metrics, params=params)
    for file in files:
        client.log_artifact(run, str(file))
    client.set_terminated(run, "FINISHED" if summary["state"] == "succeeded" else "FAILED")


def _tags(summary: dict[str, Any]) -> dict[str, str]:
    """The records that are neither parameters nor metrics, and the decision, flat."""
    groups = {**{k: summary["records"][k] for k in ("code", "environment", "data", "model_type")}, "decision": summary["decision"]}
    return {f"{group}.{name}": str(value) for group, values in groups.items() for name, value in values.items()}
