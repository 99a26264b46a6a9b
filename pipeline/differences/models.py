"""What differs between what models came from; what is equal is left out.

The first run is the base, and the others are beside it.
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from pipeline.delivery import git
from pipeline.differences import facts
from pipeline.differences.facts import UNKNOWN, Facts
from pipeline.errors import RunError
from pipeline.lineage.local_store import LocalStore, folders_of
from settings import REPOSITORY

VERSION = 2  # of the JSON
RECORDS = tuple(name for name in facts.RECORDS if name != "data")
GROUPS = ("models", "metrics", *RECORDS, "packages", "data", "code")
Json = dict[str, Any]
Locate = Callable[[Json], Path]  # a summary -> the statistics of its rows, on this machine


def difference(summaries: Sequence[Json], statistics_of: Locate) -> Json:
    """The differences of runs, by their summaries.

    A list holds a value for each run, or for each but the first what differs from the first. What
    can't be compared is under `unknown`, with its reason.
    """
    runs = [facts.read(summary) for summary in summaries]
    unknown: list[str] = []
    models = [run.model for run in runs]
    answer: Json = {"version": VERSION, "runs": [run.run for run in runs]}
    answer["models"] = models if _is_varied(models) else []
    answer["code"] = _code(runs, unknown)
    answer["packages"] = _packages(runs, unknown)
    answer["data"] = _data(runs, statistics_of, unknown)
    for name in RECORDS:
        answer[name] = _values(_records(name, runs, unknown))
    answer["metrics"] = _metrics(runs)
    answer["unknown"] = list(dict.fromkeys(unknown))
    finite_answer: Json = _finite(answer)
    return finite_answer


def _finite(value: Any) -> Any:
    """The value as JSON has words for it: None for a mean of no row, or a change too large."""
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    is_finite = not isinstance(value, float) or math.isfinite(value)
    return value if is_finite else None


def _is_varied(values: Sequence[Any]) -> bool:
    return any(before != after for before, after in pairwise(values))


def _records(name: str, runs: list[Facts], unknown: list[str]) -> list[Json | None]:
    """Each run's record; those without are told, of any but data where another run has it."""
    records = [run.records[name] for run in runs]
    if name == "data" or any(records):
        for run in runs:
            if run.records[name] is None:
                unknown.append(f"the {name.replace('_', ' ')} of {run.run}: not recorded")
    return records


def _values(records: Sequence[Mapping[str, Any] | None]) -> Json:
    """What differs between those that are there, with a value for each run."""
    present = [record for record in records if record is not None]
    names = sorted({name for record in present for name in record})
    values: Json = {}
    for name in names:
        if _is_varied([record.get(name) for record in present]):
            values[name] = [record.get(name) if record else None for record in records]
    return values


def _code(runs: list[Facts], unknown: list[str]) -> Json:
    """The files that train and differ from the first run's, each with its diff."""
    base, *others = runs
    files = [_files(base, other, unknown) for other in others]
    if not any(files):
        return {}
    diffs = [_diff(base, *pair, unknown) for pair in zip(others, files, strict=True)]
    return {"revisions": [run.revision for run in runs], "files": files, "diffs": diffs}


def _files(base: Facts, other: Facts, unknown: list[str]) -> list[str]:
    if base.files and other.files:
        return sorted(_values([base.files, other.files]))
    if base.revision != other.revision or base.revision == UNKNOWN:
        without = [run.run for run in (base, other) if not run.files]
        unknown.append(f"the code: the files of {' and '.join(without)} are not listed")
    return []


def _diff(base: Facts, other: Facts, files: list[str], unknown: list[str]) -> str:
    """The lines that differ, as git holds them."""
    if not files:
        return ""
    try:
        revisions = base.whole_revision(), other.whole_revision()
        return git.difference(REPOSITORY, *revisions, files)
    except RunError as error:
        unknown.append(f"the files' lines: {error}")
        return ""


def _packages(runs: list[Facts], unknown: list[str]) -> Json:
    """Each package of the pipeline whose version differs, by the locks of the runs' revisions."""
    for run in runs:
        if run.lock is None:
            unknown.append(f"the packages of {run.run}: not recorded")
    locks = [run.lock for run in runs]
    if not _is_varied([lock for lock in locks if lock]):
        return {}
    try:
        return _values([_versions(run) for run in runs])
    except RunError as error:
        unknown.append(f"the packages: {error}")
        packages = [run.packages for run in runs]
        return {"Pipfile.lock": locks, **_values(packages)}


def _versions(run: Facts) -> dict[str, str] | None:
    """The version of each package of the pipeline, by the lock of the run's revision."""
    if run.lock is None:
        return None
    content = git.content(REPOSITORY, run.whole_revision(), "Pipfile.lock")
    packages = json.loads(content)["pipeline"]
    return {name: entry.get("version", "") for name, entry in packages.items()}


def _data(runs: list[Facts], statistics_of: Locate, unknown: list[str]) -> Json:
    """Rows and window, and by the statistics each column that differs from the first run's."""
    changes = _values(_records("data", runs, unknown))
    if not changes:
        return {}
    located = cache(lambda number: statistics_of(runs[number].summary))
    splits: list[Json] = []
    for number, run in enumerate(runs[1:], start=1):
        splits.append({})
        pair = [runs[0].records["data"], run.records["data"]]
        if all(pair) and _values(pair):
            try:
                splits[-1] = _splits(located(0), located(number))
            except RunError as error:
                unknown.append(f"the columns of {run.run}: {error}")
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
    store = LocalStore(runs / "store" / summary["model"])
    folders = folders_of(store, summary["run"])
    folder = folders.get("StatisticsGen", {}).get("statistics")
    if folder is None or not folder.is_dir():
        raise RunError(f"the statistics of {summary['run']} are gone")
    return folder


def _metrics(runs: list[Facts]) -> Json:
    """Each metric that differs: all values, their changes from the first, and all intervals."""
    slices: Json = {}
    for part in sorted({part for run in runs for part in run.slices}):
        values = _values([run.slices.get(part, {}) for run in runs])
        for name, (first, *others) in values.items():
            intervals = [run.intervals.get(part, {}).get(name) for run in runs]
            changes = [None if None in (first, other) else other - first for other in others]
            metric = {"values": [first, *others], "changes": changes, "intervals": intervals}
            slices.setdefault(part, {})[name] = metric
    return slices
