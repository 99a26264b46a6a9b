"""What every tracker keeps of a run, and what a tracker does.

Nothing here imports a tracker's library.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from pipeline.errors import RunError

Json = dict[str, Any]
TAG = "esteira.run"  # of the tracker's run: our run's id, by which it is looked for
SUCCEEDED = "succeeded"  # of a summary's state
GROUPS = ("code", "environment", "data", "model_type")  # of records, beside parameters and metrics


@dataclass(frozen=True, kw_only=True)
class TrackedRun:
    """One run that has ended.

    A metric may be NaN or infinite. `facts` are the decision and the records, flat, by names as
    code.commit; `tags` are the user's own.
    """

    id: str
    model: str
    succeeded: bool
    started: datetime
    ended: datetime
    parameters: Mapping[str, Any]
    metrics: Mapping[str, float]
    facts: Mapping[str, str]
    tags: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()


class Tracker(Protocol):
    def send(self, run: TrackedRun) -> None:
        """Keep the run whole and once, whatever an earlier call that was cut off has left.

        Raises UnreachableError where no run can be sent now, and RunError where the tracker
        refuses this one.
        """


def of_summary(
    summary: Json, tags: tuple[str, ...] = (), files: tuple[Path, ...] = ()
) -> TrackedRun:
    """The run of its summary; raises RunError for what is no summary."""
    try:
        return _of_summary(summary, tags, files)
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as error:
        raise RunError(f"it is no summary ({error!r:.100})") from error


def _of_summary(summary: Json, tags: tuple[str, ...], files: tuple[Path, ...]) -> TrackedRun:
    local_start = datetime.fromisoformat(summary["started"])
    started = local_start.astimezone(UTC)
    duration = timedelta(seconds=summary["seconds"])
    records = summary["records"]
    parameters = dict(records["hyperparameters"])
    values = summary["metrics"]
    metrics = {name: _number(value) for name, value in values.items()}
    state = summary["state"]
    return TrackedRun(
        id=summary["run"],
        model=summary["model"],
        succeeded=state == SUCCEEDED,
        started=started,
        ended=started + duration,
        parameters=parameters,
        metrics=metrics,
        facts=_facts(summary),
        tags=tags,
        files=files,
    )


def _number(value: float | None) -> float:
    """The metric; JSON has no word for NaN, which a summary therefore calls null."""
    if value is None:
        return math.nan
    return float(value)


def _facts(summary: Json) -> dict[str, str]:
    """Decision and records, flat, without the files that train: summary.json has them."""
    records = summary["records"]
    groups = {group: dict(records[group]) for group in GROUPS}
    groups["decision"] = summary["decision"]
    code, environment = groups["code"], groups["environment"]
    code.pop("files", None)
    packages = environment.pop("packages", {})
    environment.update(packages)
    facts = {}
    for group, values in groups.items():
        for name, value in values.items():
            facts[f"{group}.{name}"] = str(value)
    return facts
