"""The summary of an imported run, of the same keys as that of a run made here.

Numbers below parameters/ are hyperparameters, all others metrics, as is a curve's last point; texts
are hyperparameters. What Neptune writes itself (sys/, monitoring/, source_code/) is neither, but a
monitored curve's last point. A name is the whole path. All of it lies in the run's parquet files.
"""

import math
from datetime import UTC, datetime
from typing import Any, TypeAlias

from pipeline.experiments.imports.last import Gathered
from pipeline.local.run_names import VERSION

PARAMETERS = "parameters/"
OWN = ("sys/", "monitoring/", "source_code/")
ACTIVE = ("active", "running")
TEXTS = {  # by the key below `imported`
    "name": "sys/name",
    "custom_id": "sys/custom_run_id",
    "owner": "sys/owner",
    "state": "sys/state",
}
REASON = "imported: nothing here decided on it, and it cannot be made again"
Json = dict[str, Any]
NUMBERS = (int, float)
Text: TypeAlias = str | None
Time: TypeAlias = datetime | None


def summary(project: str, id_: str, folder_name: str, gathered: Gathered) -> Json:
    """The run's summary but for `imported.source`, parts and counts."""
    scalars = gathered.scalars
    metrics, hyperparameters, without_number = _values(gathered)
    started = _time(scalars, "sys/creation_time")
    last_sign = _time(scalars, "sys/ping_time") or gathered.newest
    running_time = scalars.get("sys/running_time")
    purpose = _text(scalars, "sys/description") or ""
    state = _state(scalars)
    imported = _imported(project, id_, scalars, last_sign)
    imported["without_number"] = without_number
    return {
        "version": VERSION,
        "run": folder_name,
        "model": project,
        "purpose": purpose,
        "state": state,
        "error": None,
        "started": _iso(started),
        "seconds": _seconds(running_time, started, last_sign),
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
        "imported": imported,
    }


def _imported(project: str, id_: str, scalars: Json, ended: Time) -> Json:
    """What a run made here has no place for."""
    modified = _time(scalars, "sys/modification_time")
    fork = _fork(scalars)
    tags = _tags(scalars)
    texts = {key: _text(scalars, path) for key, path in TEXTS.items()}
    return {
        "project": project,
        "id": id_,
        **texts,
        "ended": _iso(ended),
        "modified": _iso(modified),
        "fork": fork,
        "tags": tags,
    }


def _tags(scalars: Json) -> list[str]:
    """The run's own tags and its group's."""
    names: list[str] = []
    for path in ("sys/tags", "sys/group_tags"):
        value = scalars.get(path)
        if isinstance(value, list):
            names += sorted(filter(None, value))
    return list(dict.fromkeys(names))


def _values(gathered: Gathered) -> tuple[Json, Json, list[str]]:
    """Metrics, hyperparameters, and the names of those that JSON has no number for."""
    metrics: Json = {}
    hyperparameters: Json = {}
    for path, value in gathered.scalars.items():
        if path.startswith(OWN):
            continue
        is_parameter = path.startswith(PARAMETERS) or not _is_number(value)
        group = hyperparameters if is_parameter else metrics
        group[path] = _json(value)
    for path, (_, value) in gathered.points.items():
        metrics[path] = _json(value)
    names = _without_number(metrics) + _without_number(hyperparameters)
    names.sort()
    return _ordered(metrics), _ordered(hyperparameters), names


def _without_number(group: Json) -> list[str]:
    return [name for name, value in group.items() if value is None]


def _ordered(group: Json) -> Json:
    items = sorted(group.items())
    return dict(items)


def _is_number(value: Any) -> bool:
    return isinstance(value, NUMBERS) and not isinstance(value, bool)


def _json(value: Any) -> Any:
    """The value; None for NaN and infinity, which JSON has no word for."""
    if isinstance(value, float):
        is_number = math.isfinite(value)
        return value if is_number else None
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return value.isoformat() if isinstance(value, datetime) else value


def _state(scalars: Json) -> str:
    if scalars.get("sys/failed") is True:
        return "failed"
    state = _text(scalars, "sys/state")
    if state is None:
        has_ended = scalars.get("sys/failed") is False
        return "succeeded" if has_ended else "unknown"
    is_active = state.lower() in ACTIVE  # when it was exported
    return "incomplete" if is_active else "succeeded"


def _seconds(running_time: Any, started: Time, ended: Time) -> float | None:
    """Neptune's own count; without it the time from the beginning to the last sign."""
    if _is_number(running_time) and math.isfinite(running_time):
        return float(running_time)
    if started is None or ended is None or ended < started:
        return None
    duration = ended - started
    return duration.total_seconds()


def _fork(scalars: Json) -> Json | None:
    parent = _text(scalars, "sys/forking/parent")
    if parent is None:
        return None
    step = scalars.get("sys/forking/step")
    return {"parent": parent, "step": _json(step)}


def _text(scalars: Json, path: str) -> Text:
    value = scalars.get(path)
    return value if isinstance(value, str) else None


def _time(scalars: Json, path: str) -> Time:
    value = scalars.get(path)
    return value if isinstance(value, datetime) else None


def _iso(time: Time) -> str | None:
    if time is None:
        return None
    utc_time = time.astimezone(UTC)
    return utc_time.isoformat()
