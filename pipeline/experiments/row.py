"""A run as one row of the list: what is known of it without its artifacts."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.errors import RunError
from pipeline.local import imported, run_names

HERE, IMPORTED = "here", imported.FOLDER  # places; any other is a stage's name
# of a run without a summary
RUNNING, INCOMPLETE = "running", "incomplete"
Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Row:
    """One run; what is unknown is None or empty.

    `started` is ISO 8601 in UTC, `seconds` the time from the first node to the last. A metric
    without a number is None. `folder` is the run's below the folder of runs, None in the cloud.
    """

    run: str
    place: str
    model: str
    state: str
    started: str | None = None
    seconds: float | None = None
    blessed: bool | None = None
    published: str | None = None
    decision: str = ""
    gate: str | None = None  # the metric of the gate
    commit: str | None = None
    metrics: Mapping[str, float | None] = field(default_factory=dict)
    hyperparameters: Mapping[str, Any] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    folder: str | None = None


FACTS = ("run", "model", "state", "started", "seconds")  # at the top of a summary, as in a row
NONE = type(None)
NUMBER = (int, float, NONE)
TYPES: Mapping[str, tuple[type, ...]] = {
    "run": (str,),
    "model": (str,),
    "state": (str,),
    "started": (str, NONE),
    "seconds": NUMBER,
    "blessed": (bool, NONE),
    "published": (str, NONE),
    "decision": (str,),
    "gate": (str, NONE),
    "commit": (str, NONE),
}


def decode(document: Json) -> Row:
    """The row of its JSON."""
    tags = tuple(document["tags"])
    return Row(**document | {"tags": tags})


def of_summary(summary: Json, place: str, folder: str, tags: tuple[str, ...]) -> Row:
    """The row of a run's summary; raises RunError for one that is no summary or is newer."""
    try:
        problem = run_names.newer(summary)
        if problem:
            raise RunError(problem)
        return _of_summary(summary, place, folder, tags)
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise RunError(f"it is no summary ({error!r:.100})") from error


def _of_summary(summary: Json, place: str, folder: str, tags: tuple[str, ...]) -> Row:
    facts = {name: summary[name] for name in FACTS}
    decision, records = summary["decision"], summary["records"]
    checks = summary["gate"]
    gate = checks[0]["metric"] if checks else None
    metrics = dict(summary["metrics"])
    hyperparameters = dict(records["hyperparameters"])
    code = records["code"]
    row = Row(
        **facts,
        place=place,
        blessed=decision["blessed"],
        published=decision["published"],
        decision=decision["reason"],
        gate=gate,
        commit=code["commit"],
        metrics=metrics,
        hyperparameters=hyperparameters,
        tags=tags,
        folder=folder,
    )
    _check_types(row)
    return row


def _check_types(row: Row) -> None:
    """Raise TypeError for a value that a list could neither order nor show."""
    for name, kinds in TYPES.items():
        value = getattr(row, name)
        _check_type(name, value, kinds)
    for name, value in row.metrics.items():
        _check_type(f"the metric {name}", value, NUMBER)


def _check_type(name: str, value: Any, kinds: tuple[type, ...]) -> None:
    if type(value) not in kinds:  # a truth is a whole number, too
        raise TypeError(f"{name} is {value!r:.40}")
    is_whole = isinstance(value, int)
    if is_whole and abs(value) > sys.float_info.max:
        raise TypeError(f"{name} is {value!r:.40}, too large a number")


def of_folder(
    folder: Path, model: str, started: str | None, state: str, tags: tuple[str, ...]
) -> Row:
    """The row of a run that has no summary yet, or never got one."""
    return Row(
        run=folder.name,
        place=HERE,
        model=model,
        state=state,
        started=started,
        tags=tags,
        folder=folder.name,
    )
