"""What differs between what models came from; what is equal is left out.

The first run is the base, and the others are beside it.
"""

import math
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from pipeline.differences import code, facts, records
from pipeline.differences.facts import Facts
from pipeline.errors import RunError
from pipeline.lineage.local_store import LocalStore, folders_of

VERSION = 2  # of the JSON
RECORDS = tuple(name for name in facts.RECORDS if name != "data")
GROUPS = ("models", "metrics", *RECORDS, "packages", "data", "code")
Json = dict[str, Any]
Number = float | None
Locate = Callable[[Json], Path]  # a summary -> the statistics of its rows, on this machine


def difference(summaries: Sequence[Json], statistics_of: Locate) -> Json:
    """The differences of runs, by their summaries.

    A list holds a value for each run, or for each but the first what differs from the first. What
    can't be compared is under `unknown`, with its reason.
    """
    runs = [facts.read(summary) for summary in summaries]
    models = [run.model for run in runs]
    unknown: list[str] = []
    answer = {
        "version": VERSION,
        "runs": [run.run for run in runs],
        "models": models if records.is_varied(models) else [],
        "code": code.difference(runs, unknown),
        "packages": code.packages(runs, unknown),
        "data": _data(runs, statistics_of, unknown),
    }
    for name in RECORDS:
        answer[name] = _record(name, runs, unknown)
    answer["metrics"] = _metrics(runs)
    sentences = dict.fromkeys(unknown)
    answer["unknown"] = list(sentences)
    finite_answer: Json = _finite(answer)
    return finite_answer


def _finite(value: Any) -> Any:
    """The value as JSON has words for it: None for a mean of no row, or a change too large."""
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _record(name: str, runs: list[Facts], unknown: list[str]) -> Json:
    """What differs in a record; a run without is told, of any but data where another has it."""
    values = [run.records[name] for run in runs]
    is_told = name == "data" or any(values)
    noun = name.replace("_", " ")
    for run in runs:
        if is_told and run.records[name] is None:
            unknown.append(f"the {noun} of {run.run}: not recorded")
    return records.difference(values)


def _data(runs: list[Facts], statistics_of: Locate, unknown: list[str]) -> Json:
    """Rows and window, and by the statistics each column that differs from the first run's."""
    changes = _record("data", runs, unknown)
    if not changes:
        return {}
    base, *others = runs
    base_record = base.records["data"]
    base_statistics = cache(lambda: statistics_of(base.summary))
    splits: list[Json] = []
    for run in others:
        split: Json = {}
        record = run.records["data"]
        pair = [base_record, record]
        if all(pair) and records.difference(pair):
            try:
                split = _splits(base_statistics(), statistics_of(run.summary))
            except RunError as error:
                unknown.append(f"the columns of {run.run}: {error}")
        splits.append(split)
    return {"records": changes, "splits": splits}


def _splits(old: Path, new: Path) -> Json:
    from pipeline.differences import data  # with scipy: only where data differ

    splits = data.difference(old, new)
    if not splits:
        raise RunError("no split is in the statistics of both")
    return splits


def statistics(runs: Path, summary: Json) -> Path:
    """The folder of a run's statistics, which outlive its rows."""
    if "imported" in summary:
        raise RunError("an imported run has no statistics")
    model = summary["model"]
    run = summary["run"]
    store = LocalStore(runs / "store" / model)
    folders = folders_of(store, run)
    by_key = folders.get("StatisticsGen", {})
    folder = by_key.get("statistics")
    if folder is None or not folder.is_dir():
        raise RunError(f"the statistics of {run} are gone")
    return folder


def _metrics(runs: list[Facts]) -> Json:
    """Each metric that differs: all values, their changes from the first, and all intervals."""
    slices: Json = {}
    parts = {part for run in runs for part in run.slices}
    for part in sorted(parts):
        measurements = [run.slices.get(part, {}) for run in runs]
        intervals = [run.intervals.get(part, {}) for run in runs]
        metrics = {}
        for name, values in records.difference(measurements).items():
            metrics[name] = {
                "values": values,
                "changes": _changes(*values),
                "intervals": [interval.get(name) for interval in intervals],
            }
        if metrics:
            slices[part] = metrics
    return slices


def _changes(first: Number, *others: Number) -> list[Number]:
    """Each change from the first; None where a run has no number."""
    if first is None:
        return [None for _ in others]
    return [None if value is None else value - first for value in others]
