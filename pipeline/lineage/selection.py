"""The questions that a lineage is asked forward, each by what runs say of themselves."""

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date
from functools import cache

from pipeline.delivery import git, git_process
from pipeline.errors import ConfigurationError, RunError
from pipeline.lineage.forward import Question
from pipeline.lineage.place import Place
from pipeline.lineage.run_facts import RunFacts
from settings import REPOSITORY
from settings.values import shown

SHORTEST = 7  # characters of a digest or a commit
AND_OTHERS = '"and others"'  # in a record of tables: components/table_times.py could not name all
LISTED = 5  # names in a refusal
SHA256 = "sha256:"

Packages = Mapping[str, str]  # their versions by their names


def facts(places: Sequence[Place], models: Sequence[str]) -> Sequence[RunFacts]:
    """What all readable runs say of themselves; the answer names what can't be read.

    Raises RunError where nothing can be read of the first place.
    """
    first, *others = places
    all_facts = _facts(first, models)
    for place in others:
        with suppress(RunError):
            all_facts += _facts(place, models)
    return all_facts


def _facts(place: Place, models: Sequence[str]) -> list[RunFacts]:
    all_facts: list[RunFacts] = []
    failures = []
    for model in models:
        try:
            all_facts += _of_model(place, model)
        except RunError as error:
            failures.append(error)
    if failures and len(failures) == len(models):
        raise failures[0]
    return all_facts


def _of_model(place: Place, model: str) -> Iterator[RunFacts]:
    for run in place.runs(model):
        with suppress(RunError):
            facts = place.facts(model, run)
            if facts is not None:
                yield facts


def of_data(digest: str, all_facts: Sequence[RunFacts]) -> Question:
    names = {name for facts in all_facts for name in facts.digests}
    whole = _whole("--data", digest, names)
    return Question(f"rows {whole[:12]}", lambda facts: whole in facts.digests, rows=True)


def of_rows(first: date, last: date, table: str | None) -> Question:
    """Runs that may have read a row from `first` to `last`; both days belong to it."""
    if table == "":
        raise ConfigurationError("--table is '', allowed is the name of a table")
    if last < first:
        raise ConfigurationError(
            f"--until is {last}, before --rows-from {first}: allowed is that day or a later one"
        )

    def matches(facts: RunFacts) -> bool:
        if table and not _reads(facts, table):
            return False
        if facts.days is None:  # nothing says which rows these were: any
            return True
        begin, end = facts.days
        return begin <= str(last) and str(first) <= end

    text = f"rows of {table or 'any table'} from {first} to {last}"
    return Question(text, matches, rows=True)


def _reads(facts: RunFacts, table: str) -> bool:
    """Whether the run's query, or a table behind its views, is of this name or ends with it."""
    tables = facts.data.get("tables") or ""
    query = facts.data.get("query") or ""
    if AND_OTHERS in str(tables):  # there were more than BigQuery names
        return True
    name = re.escape(table)
    match = re.search(rf"(?<![\w-]){name}(?![\w-])", f"{tables} {query}")
    return match is not None


def of_commit(commit: str, all_facts: Sequence[RunFacts]) -> Question:
    commits = {facts.code.commit for facts in all_facts}
    try:
        whole = git.commit(REPOSITORY, commit)
    except RunError:
        whole = None
    if whole is None:
        whole = _whole("--commit", commit, commits)
    return Question(f"commit {whole[:12]}", lambda facts: facts.code.commit == whole)


def of_image(image: str, all_facts: Sequence[RunFacts]) -> Question:
    """By its digest, whatever the repository's name."""
    digests = {_digest(facts) for facts in all_facts}
    _, _, end = image.rpartition("@")
    prefix = end if end.startswith(SHA256) else f"{SHA256}{end}"
    whole = _whole("--image", prefix, digests - {""})
    return Question(f"image {whole[:19]}", lambda facts: _digest(facts) == whole)


def _digest(facts: RunFacts) -> str:
    """Of the run's image; empty on a machine."""
    image = facts.environment.image or ""
    _, _, digest = image.rpartition("@")
    return digest


def of_package(package: str, all_facts: Sequence[RunFacts]) -> Question:
    """NAME or NAME==VERSION, of what decided a model or of its commit's Pipfile.lock."""
    stated_name, _, stated_version = package.partition("==")
    name = _normalized(stated_name)
    version = stated_version.strip()
    if not any(_version(facts, name) for facts in all_facts):
        raise ConfigurationError(
            f"--package is {shown(package)}, allowed is NAME or NAME==VERSION of a package "
            "that a run's lock names"
        )

    def matches(facts: RunFacts) -> bool:
        locked_version = _version(facts, name)
        return locked_version is not None and version in ("", locked_version)

    return Question(f"package {package}", matches)


def _normalized(name: str) -> str:
    """As Pipfile.lock writes it."""
    lower_name = name.strip().lower()
    return lower_name.replace("_", "-")


def _version(facts: RunFacts, name: str) -> str | None:
    if version := facts.environment.packages.get(name):
        return version
    lock = _lock(facts.code.kept or facts.code.commit)
    return lock.get(name)


@cache
def _lock(revision: str) -> Packages:
    """The packages of the pipeline by the Pipfile.lock of a revision; none of one that is gone."""
    try:
        text = git_process.answer(REPOSITORY, "show", f"{revision}:./Pipfile.lock", missing=128)
        lock = json.loads(text or "{}")
    except (RunError, ValueError):
        return {}
    versions = {}
    for name, entry in lock.get("pipeline", {}).items():
        version = entry.get("version", "")
        versions[name] = version.lstrip("=")
    return versions


def _whole(flag: str, value: str, names: Collection[str]) -> str:
    """The one name that the value is, or begins."""
    digits = value.removeprefix(SHA256)
    is_long_enough = len(digits) >= SHORTEST
    sorted_names = sorted(names)
    matches = [name for name in sorted_names if is_long_enough and name.startswith(value)]
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise ConfigurationError(
            f"{flag} is {shown(value)}, which is ambiguous: allowed is one of {', '.join(matches)}"
        )
    allowed = ", ".join(sorted_names[:LISTED])
    raise ConfigurationError(
        f"{flag} is {shown(value)}, allowed is one that a run names: {allowed or 'none yet'}"
    )
