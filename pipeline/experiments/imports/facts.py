"""The summary of an imported run, of the same keys as that of a run made here.

Numbers below parameters/ are hyperparameters, all others metrics, as is a curve's last point; texts
are hyperparameters. What Neptune writes itself (sys/, monitoring/, source_code/) is neither, but a
monitored curve's last point. A name is the whole path. All of it lies in the run's parquet files.
"""

import math
from datetime import UTC, datetime
from typing import Any

from pipeline.experiments.imports.last import Gathered
from pipeline.local.run_names import VERSION

PARAMETERS = "parameters/"
OWN = ("sys/", "monitoring/", "source_code/")
ACTIVE = ("active", "running")
REASON = "imported: nothing here decided on it, and it cannot be made again"
Json = dict[str, Any]


def summary(project: str, id_: str, folder_name: str, gathered: Gathered) -> Json:
    """The run's summary but for `imported.source`, parts and counts."""
    metrics, hyperparameters, without_number = _values(gathered)
    started = _time(gathered.scalars.get("sys/creation_time"))
    ended = _time(gathered.scalars.get("sys/ping_time")) or gathered.newest
    return {
        "version": VERSION,
        "run": folder_name,
        "model": project,
        "purpose": _text(gathered, "sys/description") or "",
        "state": _state(gathered.scalars),
        "error": None,
        "started": _iso(started),
        "seconds": _seconds(gathered.scalars.get("sys/running_time"), started, ended),
        "nodes": [],
        "metrics": metrics,
        "slices": {},
        "intervals": {},
        "baseline": None,
        "gate": [],
        "newer_rows": None,
        "monitoring": {},
        "decision": {"blessed": None, "published": None, "reason": REASON},
        "records": {
            "code": {"commit": "unknown", "files": {}},
            "environment": {},
            "data": {},
            "hyperparameters": hyperparameters,
            "metrics": metrics,
            "model_type": {},
            "training": None,
        },
        "imported": _imported(project, id_, gathered, ended) | {"without_number": without_number},
    }


def _imported(project: str, id_: str, gathered: Gathered, ended: datetime | None) -> Json:
    """What a run made here has no place for."""
    return {
        "project": project,
        "id": id_,
        "name": _text(gathered, "sys/name"),
        "custom_id": _text(gathered, "sys/custom_run_id"),
        "owner": _text(gathered, "sys/owner"),
        "state": _text(gathered, "sys/state"),
        "ended": _iso(ended),
        "modified": _iso(_time(gathered.scalars.get("sys/modification_time"))),
        "fork": _fork(gathered),
        "tags": tags(gathered),
    }


def tags(gathered: Gathered) -> list[str]:
    """The run's own tags and its group's."""
    names: list[str] = []
    for path in ("sys/tags", "sys/group_tags"):
        value = gathered.scalars.get(path)
        if isinstance(value, list):
            names += sorted(each for each in value if each)
    return list(dict.fromkeys(names))


def _values(gathered: Gathered) -> tuple[Json, Json, list[str]]:
    """Metrics, hyperparameters, and the names of those that JSON has no number for."""
    metrics: Json = {}
    hyperparameters: Json = {}
    for path, value in gathered.scalars.items():
        if path.startswith(OWN):
            continue
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        is_metric = is_number and not path.startswith(PARAMETERS)
        group = metrics if is_metric else hyperparameters
        group[path] = _json(value)
    for path, (_, value) in gathered.points.items():
        metrics[path] = _json(value)
    groups = (metrics, hyperparameters)
    without = sorted(name for group in groups for name, value in group.items() if value is None)
    return dict(sorted(metrics.items())), dict(sorted(hyperparameters.items())), without


def _json(value: Any) -> Any:
    """The value; None for NaN and infinity, which JSON has no word for."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list):
        return ", ".join(str(each) for each in value)
    return value.isoformat() if isinstance(value, datetime) else value


def _state(scalars: Json) -> str:
    if scalars.get("sys/failed") is True:
        return "failed"
    state = scalars.get("sys/state")
    if isinstance(state, str) and state.lower() in ACTIVE:
        return "incomplete"  # it was active when it was exported
    is_told = isinstance(state, str) or scalars.get("sys/failed") is False
    return "succeeded" if is_told else "unknown"


def _seconds(running_time: Any, started: datetime | None, ended: datetime | None) -> float | None:
    """Neptune's own count; without it the time from the beginning to the last sign."""
    is_number = isinstance(running_time, int | float) and not isinstance(running_time, bool)
    if is_number and math.isfinite(running_time):
        return float(running_time)
    if started and ended and ended >= started:
        return (ended - started).total_seconds()
    return None


def _fork(gathered: Gathered) -> Json | None:
    parent = _text(gathered, "sys/forking/parent")
    if parent is None:
        return None
    return {"parent": parent, "step": _json(gathered.scalars.get("sys/forking/step"))}


def _text(gathered: Gathered, path: str) -> str | None:
    value = gathered.scalars.get(path)
    return value if isinstance(value, str) else None


def _time(value: Any) -> datetime | None:
    return value if isinstance(value, datetime) else None


def _iso(time: datetime | None) -> str | None:
    return time.astimezone(UTC).isoformat() if time else None
