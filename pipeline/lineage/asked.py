"""What a name on the command line means: a run, a version, a deployed model, a request or a model.

A name that means several things is refused, and all of them are named.
"""

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from pipeline.errors import ConfigurationError, RunError
from pipeline.lineage import cloud_servings
from pipeline.lineage.graph import Serving
from pipeline.lineage.place import Place
from settings.values import shown

SHORTEST = 6  # characters of the beginning of a run's id


@dataclass(frozen=True, kw_only=True)
class Subject:
    """One model that is asked for, by its version or by its run."""

    model: str
    version: str | None = None
    run: str | None = None
    time: datetime | None = None  # of the request

    def __str__(self) -> str:
        return self.run or f"{self.model}@{self.version}"


def subjects(place: Place, name: str, at: datetime | None = None) -> list[Subject]:
    """What the name means; several only where versions share a model's traffic.

    Raises ConfigurationError for an unknown and for an ambiguous one.
    """
    model = _model(place, name)
    if model is not None:
        return _answering(place, model, at)
    if at is not None:
        models = ", ".join(place.models())
        raise ConfigurationError(
            f"--at goes with a model, and {shown(name)} is none: allowed are {models or 'none yet'}"
        )
    failures: list[RunError] = []
    matches = _matches(place, name, failures)
    if not matches and name.isdecimal():  # as the ids of requests are
        matches = _logged(place, name)
    if not matches:
        raise _unmatched(place, name, failures)
    if len(matches) > 1:
        raise _ambiguous(name, matches)
    return matches


def run(place: Place, name: str) -> str:
    """The run that made what the name means; raises RunError where none is known."""
    subject, *others = subjects(place, name)
    if others:
        raise _ambiguous(name, [subject, *others])
    if subject.run is not None:
        return subject.run
    run = place.run_of(subject.model, subject.version or "")
    if run is None:
        raise RunError(f"{subject}: the run that made it is no longer known")
    return run


def _model(place: Place, name: str) -> str | None:
    """The model of this name, or of the endpoint of this name."""
    *_, end = name.split("/")
    for model in place.models():
        if name == model or end == place.endpoint(model):
            return model
    return None


def _ambiguous(name: str, matches: list[Subject]) -> ConfigurationError:
    names = ", ".join(map(str, matches))
    return ConfigurationError(f"{shown(name)} is ambiguous, allowed is one of {names}")


def _matches(place: Place, name: str, failures: list[RunError]) -> list[Subject]:
    """The matches in all models that can be read, each once; the others' errors are added."""
    matches: list[Subject] = []
    for model in place.models():
        try:
            matches += [*_versions(place, model, name), *_runs(place, model, name)]
        except RunError as error:
            failures.append(error)
    return list(dict.fromkeys(matches))


def _logged(place: Place, request: str) -> list[Subject]:
    """What answered the logged requests of the id."""
    subjects = []
    for model, version, time in place.logged(request):
        subject = Subject(model=model, version=version, time=time)
        subjects.append(subject)
    return subjects


def _runs(place: Place, model: str, name: str) -> Iterator[Subject]:
    runs = place.runs(model)
    is_long_enough = len(name) >= SHORTEST
    if name in runs:
        yield Subject(model=model, run=name)
        return
    for run in runs:
        if is_long_enough and run.startswith(name):
            yield Subject(model=model, run=run)


def _unmatched(place: Place, name: str, failures: list[RunError]) -> Exception:
    """The error for a name that nothing readable has."""
    if sentence := place.pruned(name):
        return ConfigurationError(sentence)
    if failures and len(failures) == len(place.models()):
        return failures[0]
    return ConfigurationError(_unknown(place, name))


def _versions(place: Place, model: str, name: str) -> Iterator[Subject]:
    prefix, separator, number = name.rpartition("@")
    if separator and prefix != model:
        return
    answer = place.servings(model)
    versions = {serving.version for serving in answer.servings}
    names = place.names(model)
    if number in versions or number in names:
        yield Subject(model=model, version=names.get(number, number))
    elif separator and place.run_of(model, number):
        yield Subject(model=model, version=number)


def _answering(place: Place, model: str, at: datetime | None) -> list[Subject]:
    """The versions that answer, or that answered at a time."""
    answer = place.servings(model)
    servings = answer.servings
    where = place.stage or "this machine"
    reasons = [each.reason for each in answer.unread]
    if reasons and not servings:
        raise RunError(f"what served {model} in {where} cannot be read: {'; '.join(reasons)}")
    if at is not None:
        versions = [serving.version for serving in cloud_servings.at(servings, at)]
        if not versions:
            raise ConfigurationError(_no_version_at(model, at, servings, where))
    else:
        versions = [serving.version for serving in servings if serving.end is None]
    if not versions:
        raise ConfigurationError(
            f"no version of {model} is served by {where}: "
            "name a run or a version, `python3 -m pipeline runs` lists the runs"
        )
    return [Subject(model=model, version=version, time=at) for version in versions]


def _no_version_at(model: str, at: datetime, servings: Sequence[Serving], where: str) -> str:
    asked = f"--at is {at.isoformat()}"
    first = min((serving.begin for serving in servings), default=None)
    if first is None:
        return f"{asked}, and no version of {model} was ever served by {where}"
    if at < first:
        return f"{asked}, allowed is a time from {first.isoformat()} on: {model}'s first delivery"
    return f"{asked}, when no version of {model} had traffic by {where}: allowed is another time"


def _unknown(place: Place, name: str) -> str:
    names = [*place.models()]
    reasons = []
    for model in place.models():
        try:
            answer = place.servings(model)
            names += place.runs(model)
        except RunError as error:
            reasons.append(str(error))
            continue
        names += [f"{model}@{each.version}" for each in answer.servings]
        reasons += [each.reason for each in answer.unread]
    nearest = difflib.get_close_matches(name, names, n=3, cutoff=0.5) or names[-3:]
    where = place.stage or "this machine"
    return (
        f"{shown(name)} is no model, run, version, deployed model, endpoint or logged request "
        f"that {where} knows, or it was pruned: the nearest are {', '.join(nearest) or 'none yet'}"
        f"{'; not read: ' if reasons else ''}{'; '.join(reasons)}"
    )
