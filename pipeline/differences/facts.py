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
Record = Mapping[str, Any]
Pair = tuple[str, Any]
Metrics = dict[str, float | None]  # None where it is no number
Slices = dict[str, Metrics]
Interval = tuple[float, float]
Intervals = dict[str, Interval]  # by the metric


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
    slices: Slices
    intervals: dict[str, Intervals]  # by the slice

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
    run = summary["run"]
    model = summary["model"]
    records = summary["records"]
    code = records["code"]
    environment = records.get("environment") or {}
    commit = code.get("commit") or UNKNOWN
    files = code.get("files") or {}
    intervals = summary.get("intervals", {})
    return Facts(
        summary=summary,
        run=str(run),
        model=str(model),
        commit=str(commit),
        kept=code.get("kept"),
        not_kept=code.get("not_kept"),
        files=dict(files),
        lock=_lock(files, environment),
        packages=environment.get("packages"),
        records={name: _record(name, records) for name in RECORDS},
        slices=_slices(summary),
        intervals=_intervals(intervals),
    )


def _lock(files: Json, environment: Json) -> str | None:
    """The lock's SHA-256; of a run whose files are not listed, that of the Pipfile in it."""
    of_pipfile = environment.get("pipfile_lock_sha256")
    lock: str | None = files.get("Pipfile.lock", of_pipfile)
    return lock


def _record(name: str, records: Json) -> Json | None:
    record = records.get(name)
    if not record:
        return None
    left_out = LEFT_OUT.get(name, ())
    comparable_record = {key: value for key, value in record.items() if key not in left_out}
    return dict(_flat(comparable_record))


def _flat(record: Record, prefix: str = "") -> Iterable[Pair]:
    """Each value by its key, one below another key as `window.last`."""
    for key, value in record.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict):
            yield from _flat(value, f"{name}.")
        else:
            yield name, _comparable(value)


def _comparable(value: Any) -> Any:
    """The value; what is no number is its name, since NaN is not even equal to itself."""
    if isinstance(value, list):
        return [_comparable(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def _slices(summary: Json) -> Slices:
    """The metrics by slice, without TFMA's changes against the last blessed model."""
    slices = {"all": summary["metrics"]}
    slices |= summary.get("slices", {})
    return {part: _numbers(metrics) for part, metrics in slices.items()}


def _numbers(metrics: Json) -> Metrics:
    numbers: Metrics = {}
    for name, value in metrics.items():
        if name.endswith("_diff"):
            continue
        is_number = value is not None and math.isfinite(value)
        numbers[name] = value if is_number else None
    return numbers


def _intervals(slices: Json) -> dict[str, Intervals]:
    intervals: dict[str, Intervals] = {}
    for part, metrics in slices.items():
        for name, interval in metrics.items():
            if interval is None:
                continue
            low, high = interval
            of_part = intervals.setdefault(part, {})
            of_part[name] = float(low), float(high)
    return intervals
