"""The questions that a lineage is asked forward, each by what runs say of themselves."""

import json
import re
from collections.abc import Mapping, Sequence
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


def facts(places: Sequence[Place], models: Sequence[str]) -> list[RunFacts]:
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
    all_facts = []
    failures = []
    for model in models:
        try:
            runs = place.runs(model)
        except RunError as error:
            failures.append(error)
            continue
        for run in runs:
            with suppress(RunError):
                all_facts.append(place.facts(model, run))
    if failures and len(failures) == len(models):
        raise failures[0]
    return [each for each in all_facts if each is not None]


def of_data(digest: str, all_facts: Sequence[RunFacts]) -> Question:
    names = {name for facts in all_facts for name in facts.digests}
    whole = _whole("--data", digest, sorted(names))
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
    tables = str(facts.data.get("tables") or "")
    if AND_OTHERS in tables:  # there were more than BigQuery names
        return True
    name = re.compile(rf"(?<![\w-]){re.escape(table)}(?![\w-])")
    return any(name.search(text) for text in (tables, str(facts.data.get("query") or "")))


def of_commit(commit: str, all_facts: Sequence[RunFacts]) -> Question:
    commits = {facts.code.commit for facts in all_facts}
    try:
        in_git = git.commit(REPOSITORY, commit)
    except RunError:
        in_git = None
    whole = in_git or _whole("--commit", commit, sorted(commits))
    return Question(f"commit {whole[:12]}", lambda facts: facts.code.commit == whole)


def of_image(image: str, all_facts: Sequence[RunFacts]) -> Question:
    """By its digest, whatever the repository's name."""
    images = {facts.environment.image for facts in all_facts if facts.environment.image}
    digests = {name.rpartition("@")[2] for name in images}
    _, _, asked_digest = image.rpartition("@")
    prefix = asked_digest if asked_digest.startswith("sha256:") else f"sha256:{asked_digest}"
    whole = _whole("--image", prefix, sorted(digests))
    return Question(
        f"image {whole[:19]}", lambda facts: (facts.environment.image or "").endswith(whole)
    )


def of_package(package: str, all_facts: Sequence[RunFacts]) -> Question:
    """NAME or NAME==VERSION, of what decided a model or of its commit's Pipfile.lock."""
    name, _, version = package.partition("==")
    known_name = name.strip().lower().replace("_", "-")
    locked = [facts for facts in all_facts if _version(facts, known_name)]
    if not locked:
        raise ConfigurationError(
            f"--package is {shown(package)}, allowed is NAME or NAME==VERSION of a package "
            "that a run's lock names"
        )

    def matches(facts: RunFacts) -> bool:
        locked_version = _version(facts, known_name)
        return locked_version is not None and version.strip() in ("", locked_version)

    return Question(f"package {package}", matches)


def _version(facts: RunFacts, name: str) -> str | None:
    packages = facts.environment.packages
    return packages.get(name) or _lock(facts.code.kept or facts.code.commit).get(name)


@cache
def _lock(revision: str) -> Mapping[str, str]:
    """The packages of the pipeline by the Pipfile.lock of a revision; none of one that is gone."""
    try:
        text = git_process.answer(REPOSITORY, "show", f"{revision}:./Pipfile.lock", missing=128)
        packages = json.loads(text or "{}").get("pipeline", {})
    except (RunError, ValueError):
        return {}
    return {name: str(entry.get("version", "")).lstrip("=") for name, entry in packages.items()}


def _whole(flag: str, value: str, names: Sequence[str]) -> str:
    """The one name that the value is, or begins."""
    long_enough = len(value.removeprefix("sha256:")) >= SHORTEST
    matches = [name for name in names if name.startswith(value)] if long_enough else []
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise ConfigurationError(
            f"{flag} is {shown(value)}, which is ambiguous: allowed is one of {', '.join(matches)}"
        )
    allowed = ", ".join(names[:5]) or "none yet"
    raise ConfigurationError(
        f"{flag} is {shown(value)}, allowed is one that a run names: {allowed}"
    )
