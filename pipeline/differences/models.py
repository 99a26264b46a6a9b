"""What differs between what two models came from; what is equal is left out."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pipeline.delivery import git
from pipeline.differences import data
from pipeline.errors import RunError
from pipeline.lineage.local_store import LocalStore, folders_of
from settings import REPOSITORY

VERSION = 1  # of the JSON
RECORDS = ("hyperparameters", "training", "model_type")
OWN = ("run", "digest")  # of a training, always another
Json = dict[str, Any]


def difference(old: Json, new: Json, statistics_of: Callable[[Json], Path]) -> Json:
    """The differences of two runs, by their summaries.

    `statistics_of` brings the statistics of a run's rows to this machine. What can't be compared is
    under `unknown`, with its reason.
    """
    answer: Json = {"version": VERSION, "runs": [old["run"], new["run"]], "unknown": []}
    unknown = answer["unknown"]
    answer["code"] = _code(old, new, unknown)
    answer["packages"] = _packages(old, new, unknown)
    answer["data"] = _data(old, new, statistics_of, unknown)
    for name in RECORDS:
        answer[name] = _values(*_records(name, old, new))
    answer["metrics"] = _metrics(old, new)
    return answer


def _records(name: str, *summaries: Json) -> list[Json]:
    records = []
    for summary in summaries:
        record = summary["records"].get(name) or {}
        records.append({key: value for key, value in record.items() if key not in OWN})
    return records


def _values(old: Json, new: Json) -> Json:
    names = sorted(old.keys() | new.keys())
    pairs = {name: [old.get(name), new.get(name)] for name in names}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def _code(old: Json, new: Json, unknown: list[str]) -> Json:
    """The files that train and differ, each with its diff where git still holds both."""
    old_files, new_files = (summary["records"]["code"].get("files", {}) for summary in (old, new))
    revisions = [_revision(old), _revision(new)]
    if not (old_files and new_files):
        if revisions[0] != revisions[1]:
            unknown.append(f"the files of {revisions[0]} and {revisions[1]}: one is not listed")
        return {}
    names = sorted(_values(old_files, new_files))
    if not names:
        return {}
    text = ""
    try:
        _refuse_not_kept(old, new)
        text = git.difference(REPOSITORY, revisions[0], revisions[1], names)
    except RunError as error:
        unknown.append(f"the files' lines: {error}")
    return {"revisions": revisions, "files": names, "diff": text}


def _refuse_not_kept(*summaries: Json) -> None:
    """Raise RunError for a run whose revision is not all that trained."""
    for summary in summaries:
        reason = summary["records"]["code"].get("not_kept")
        if reason:
            raise RunError(f"{summary['run']} kept not all that trained ({reason})")


def _revision(summary: Json) -> str:
    code = summary["records"]["code"]
    return code.get("kept") or str(code["commit"])


def _packages(old: Json, new: Json, unknown: list[str]) -> Json:
    locks = [_lock(summary) for summary in (old, new)]
    if locks[0] == locks[1]:
        return {}
    try:
        _refuse_not_kept(old, new)
        versions = [_versions(_revision(summary)) for summary in (old, new)]
    except RunError as error:
        unknown.append(f"the packages: {error}")
        return {"Pipfile.lock": locks}
    return _values(*versions)


def _lock(summary: Json) -> str:
    """The lock's SHA-256; of a run whose files are not listed, that of the Pipfile in it."""
    records = summary["records"]
    pipfile: str = records["environment"]["pipfile_lock_sha256"]
    lock: str = records["code"].get("files", {}).get("Pipfile.lock", pipfile)
    return lock


def _versions(revision: str) -> dict[str, str]:
    """The version of each package of the pipeline, by the revision's lock."""
    content = git.content(REPOSITORY, revision, "Pipfile.lock")
    packages = json.loads(content)["pipeline"]
    return {name: entry.get("version", "") for name, entry in packages.items()}


def _data(old: Json, new: Json, statistics_of: Callable[[Json], Path], unknown: list[str]) -> Json:
    """Rows and window, and by the statistics each column that differs."""
    changes = _values(*_records("data", old, new))
    if not changes:
        return {}
    try:
        splits = data.difference(statistics_of(old), statistics_of(new))
    except RunError as error:
        unknown.append(f"the columns: {error}")
        splits = {}
    return {"records": changes, "splits": splits}


def statistics(runs: Path, summary: Json) -> Path:
    """The folder of a run's statistics, which outlive its rows."""
    store = LocalStore(runs / "store" / summary["model"])
    folders = folders_of(store, summary["run"])
    folder = folders.get("StatisticsGen", {}).get("statistics")
    if folder is None or not folder.is_dir():
        raise RunError(f"the statistics of {summary['run']} are gone")
    return folder


def _metrics(old: Json, new: Json) -> Json:
    """Each metric that differs: both values, the change, and both intervals."""
    slices: Json = {}
    old_slices, new_slices = _slices(old), _slices(new)
    for part in sorted(old_slices.keys() | new_slices.keys()):
        values = _values(old_slices.get(part, {}), new_slices.get(part, {}))
        for name, (before, after) in values.items():
            intervals = [
                summary.get("intervals", {}).get(part, {}).get(name) for summary in (old, new)
            ]
            change = None if None in (before, after) else after - before
            metric = {"values": [before, after], "change": change, "intervals": intervals}
            slices.setdefault(part, {})[name] = metric
    return slices


def _slices(summary: Json) -> Json:
    slices: Json = {"all": summary["metrics"], **summary["slices"]}
    kept = {}
    for part, metrics in slices.items():
        kept[part] = {name: value for name, value in metrics.items() if not name.endswith("_diff")}
    return kept
