"""Run folders of the tests' own, as a run leaves them, without a training."""

import copy
import json

SUMMARY = {
    "version": 1,
    "run": "",
    "model": "seat",
    "purpose": "whether a seat is taken",
    "state": "succeeded",
    "error": None,
    "started": "2026-03-01T12:00:00+00:00",
    "seconds": 12.5,
    "nodes": [],
    "metrics": {"auc": 0.91, "loss": 0.4},
    "slices": {},
    "intervals": {},
    "baseline": None,
    "gate": [{"metric": "auc", "slice": "all", "value": 0.91, "lower_bound": 0.8, "holds": True}],
    "newer_rows": None,
    "monitoring": {},
    "decision": {"blessed": True, "published": "/seat/1", "reason": "published: it is good"},
    "records": {
        "code": {"commit": "a" * 40, "files": {}},
        "environment": {"pipfile_lock_sha256": "b" * 64},
        "data": {"rows": 100},
        "hyperparameters": {"learning_rate": 0.01, "units": 8},
        "metrics": {"auc": 0.91, "loss": 0.4},
        "model_type": {},
        "training": None,
    },
}


def run_id(number: int, model: str = "seat") -> str:
    return f"20260301-12{number // 60:02}{number % 60:02}-{model}-{number:06x}"


def add_run(runs, number, *, tags=(), metrics=None, hyperparameters=None, **changes):
    """Leave a run's folder; return its id."""
    summary = copy.deepcopy(SUMMARY) | {"run": run_id(number)} | changes
    if metrics is not None:
        summary["metrics"] = metrics
    if hyperparameters is not None:
        summary["records"]["hyperparameters"] = hyperparameters
    folder = runs / summary["run"]
    folder.mkdir(parents=True)
    (folder / "summary.json").write_text(json.dumps(summary))
    if tags:
        (folder / "tags.json").write_text(json.dumps(tags))
    return summary["run"]
