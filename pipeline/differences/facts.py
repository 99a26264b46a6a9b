"""What a run's summary says of what made it, checked and without what never is comparable."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.errors import RunError

UNKNOWN = "unknown"  # the commit of files that git does not know
RECORDS = ("data", "hyperparameters", "parameters", "training", "model_type", "environment")
LEFT_OUT = {
    "training": ("run", "digest"),  # always another
    "environment": ("packages", "pipfile_lock_sha256"),  # compared by the lock
    "parameters": ("set",),  # among the hyperparameters, with all others
}

Json = dict[str, Any]
Metrics = dict[str, float | None]  # None where it is no number
Interval = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Facts:
    """One run; a record that it does not have is None."""

    summary: Json
    run: str
    model: str
    commit: str
    kept: str | None  # the ref that holds its files, where they differ from the commit's
    not_kept: str | None  # why no revision holds them
    files: Mapping[str, str]  # path -> SHA-256
    lock: str | None
    packages: Json | None  # of the few whose versions every summary has
    records: Mapping[str, Json | None]
    slices: Mapping[str, Metrics]
    intervals: Mapping[str, Mapping[str, Interval]]

    @property
    def revision(self) -> str:
        """What git knows the run's files by."""
        return self.kept or self.commit

    def whole_revision(self) -> str:
        """The revision; raises RunError for one that does not hold all that trained."""
        if self.not_kept:
            raise RunError(f"{self.run} kept not all that trained ({self.not_kept})")
        if self.revision == UNKNOWN:
            raise RunError(f"the commit of {self.run} is unknown")
        return self.revision


def read(summary: Json) -> Facts:
    """The facts of a summary; raises RunError for one that is none."""
    try:
        return _read(summary)
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as error:
        name = summary.get("run", "a run")
        raise RunError(f"{name!s:.100}: its summary is damaged ({error!r:.100})") from error


def _read(summary: Json) -> Facts:
    records = summary["records"]
    code, environment = records["code"], records.get("environment") or {}
    return Facts(
        summary=summary,
        run=str(summary["run"]),
        model=str(summary["model"]),
        commit=str(code.get("commit") or UNKNOWN),
        kept=code.get("kept"),
        not_kept=code.get("not_kept"),
        files=dict(code.get("files") or {}),
        lock=_lock(code, environment),
        packages=environment.get("packages"),
        records={name: _record(name, records) for name in RECORDS},
        slices=_slices(summary),
        intervals=_intervals(summary.get("intervals", {})),
    )


def _lock(code: Json, environment: Json) -> str | None:
    """The lock's SHA-256; of a run whose files are not listed, that of the Pipfile in it."""
    files = code.get("files") or {}
    lock: str | None = files.get("Pipfile.lock", environment.get("pipfile_lock_sha256"))
    return lock


def _record(name: str, records: Json) -> Json | None:
    record = records.get(name)
    if not record:
        return None
    left_out = LEFT_OUT.get(name, ())
    return dict(_flat({key: value for key, value in record.items() if key not in left_out}))


def _flat(record: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    """Each value by its key, one below another key as `window.last`."""
    for key, value in record.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", _comparable(value)


def _comparable(value: Any) -> Any:
    """The value; what is no number is its name, since NaN is not even equal to itself."""
    if isinstance(value, list):
        return [_comparable(each) for each in value]
    is_finite = not isinstance(value, float) or math.isfinite(value)
    return value if is_finite else str(value)


def _slices(summary: Json) -> dict[str, Metrics]:
    """The metrics by slice, without TFMA's changes against the last blessed model."""
    slices = {"all": summary["metrics"], **summary.get("slices", {})}
    return {part: _numbers(metrics) for part, metrics in slices.items()}


def _numbers(metrics: Json) -> Metrics:
    numbers: Metrics = {}
    for name, value in metrics.items():
        if not name.endswith("_diff"):
            numbers[name] = value if value is not None and math.isfinite(value) else None
    return numbers


def _intervals(slices: Json) -> dict[str, dict[str, Interval]]:
    intervals: dict[str, dict[str, Interval]] = {}
    for part, metrics in slices.items():
        for name, interval in metrics.items():
            if interval is not None:
                low, high = interval
                intervals.setdefault(part, {})[name] = (float(low), float(high))
    return intervals
