"""What differs between the files and the packages of runs, as git holds them.

What can't be compared is added to `unknown`, with its reason.
"""

import json
from collections.abc import Sequence

from pipeline.delivery import git
from pipeline.differences import records
from pipeline.differences.facts import UNKNOWN, Facts
from pipeline.differences.records import Json
from pipeline.errors import RunError
from settings import REPOSITORY

LOCK = "Pipfile.lock"

Versions = dict[str, str]  # by the package


def difference(runs: Sequence[Facts], unknown: list[str]) -> Json:
    """The files that train and differ from the first run's, each with its diff."""
    base, *others = runs
    files = [_files(base, run, unknown) for run in others]
    if not any(files):
        return {}
    diffs = []
    for run, names in zip(others, files, strict=True):
        diff = _diff(base, run, names, unknown)
        diffs.append(diff)
    return {"revisions": [run.revision for run in runs], "files": files, "diffs": diffs}


def packages(runs: Sequence[Facts], unknown: list[str]) -> Json:
    """Each package of the pipeline whose version differs, by the locks of the runs' revisions."""
    for run in runs:
        if run.lock is None:
            unknown.append(f"the packages of {run.run}: not recorded")
    locks = [run.lock for run in runs]
    present_locks = [lock for lock in locks if lock]
    if not records.is_varied(present_locks):
        return {}
    try:
        versions = [_versions(run) for run in runs]
        return records.difference(versions)
    except RunError as error:
        unknown.append(f"the packages: {error}")
    summaries_packages = [run.packages for run in runs]
    return {LOCK: locks} | records.difference(summaries_packages)


def _files(base: Facts, run: Facts, unknown: list[str]) -> list[str]:
    if base.files and run.files:
        return sorted(records.difference([base.files, run.files]))
    if base.revision != run.revision or base.revision == UNKNOWN:
        without = [each.run for each in (base, run) if not each.files]
        names = " and ".join(without)
        unknown.append(f"the code: the files of {names} are not listed")
    return []


def _diff(base: Facts, run: Facts, files: list[str], unknown: list[str]) -> str:
    """The lines that differ, as git holds them."""
    if not files:
        return ""
    try:
        revisions = base.whole_revision(), run.whole_revision()
        return git.difference(REPOSITORY, *revisions, files)
    except RunError as error:
        unknown.append(f"the files' lines: {error}")
        return ""


def _versions(run: Facts) -> Versions | None:
    """The version of each package of the pipeline, by the lock of the run's revision."""
    if run.lock is None:
        return None
    revision = run.whole_revision()
    content = git.content(REPOSITORY, revision, LOCK)
    try:
        lock = json.loads(content)
        locked_packages = lock["pipeline"]
    except (ValueError, KeyError, TypeError) as error:
        raise RunError(f"{LOCK} of {revision} lists no package of the pipeline") from error
    return {name: entry.get("version", "") for name, entry in locked_packages.items()}
