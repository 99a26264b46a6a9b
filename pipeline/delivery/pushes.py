"""Hands a commit of main to the first stage's trigger.

The stage's record says what is due. Repeated and concurrent pushes start one build.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pipeline.delivery import git, record_object, retraining_requests
from pipeline.delivery.record import Push, Record, SupersededError
from pipeline.delivery.retraining_requests import STARTING, Request
from pipeline.delivery.route import Route
from pipeline.errors import ConfigurationError, RunError, UnreachableError
from pipeline.gcp import cloud_build
from pipeline.gcp.stage import Stage

NOTHING_DUE = "nothing to deliver: no change since the last delivery reaches an image or a model"


@dataclass(frozen=True)
class Pushed:
    """The result of a push: the build that it started or found, or why no build is due."""

    message: str
    started: bool
    build: cloud_build.Build | None = None
    route: Route | None = None


@dataclass(frozen=True)
class Retraining:
    """The build that retrains these models, or the sentence of its refusal.

    The build may have been there: one that has not ended is started no second time. Where none is
    due, `reason` says why.
    """

    models: list[str]
    build: cloud_build.Build | None
    error: str | None
    reason: str | None = None


def push(stage: Stage, repository: Path, head: str, *, again: bool) -> Pushed:
    """Start the delivery of `head`, a commit on GitHub's default branch.

    Any other commit is refused. `again` starts it also where it was pushed before.
    """
    _refuse_other_stages(stage)
    commit = _checked(repository, head, stage.settings.github.branch)
    record = record_object.read(stage)
    if not again and (earlier_push := _earlier_push(stage, repository, record, commit)):
        return earlier_push
    route, notice = git.routed(repository, base=record.commit, head=commit)
    notices = [notice, *_still_served(stage, record, route)]
    recipe: Literal["image", "modules"] = "image" if route.image else "modules"
    new_push = Push(
        commit=commit,
        recipe=recipe,
        models=tuple(sorted(route.models)),
        at=datetime.now(UTC),
        build=None,
    )
    if route.kind == "none":
        if not (again and record.pushed and record.pushed.commit == commit):
            return Pushed(
                "; ".join([NOTHING_DUE, *_still_served(stage, record, route)]),
                False,
                route=route,
            )
        # what it was delivered by the last time
        new_push = replace(record.pushed, at=new_push.at, build=None)
    if not _claimed(stage, record, new_push):
        return Pushed(
            "another push has just started this or a newer commit: nothing is started",
            False,
            route=route,
        )
    build = _start(stage, record, new_push)
    return Pushed("; ".join(text for text in notices if text), True, build, route)


def _still_served(stage: Stage, record: Record, route: Route) -> Iterator[str]:
    """Say which models have lost their folder and not their callers."""
    for model in sorted(route.removed & set(record.models)):
        yield (
            f"models/{model} is gone and {stage.name} still serves it: "
            f"`python3 -m pipeline release retire {model} --env {stage.name}`"
        )


def retrain(stage: Stage, models: str) -> list[Retraining]:
    """Have the recorded models retrained on newer data, a build for each commit of theirs.

    Each model is trained by the very commit and image that made it.
    """
    record = record_object.read(stage)
    names = sorted(record.models) if models == cloud_build.ALL_MODELS else models.split(",")
    if unknown_names := sorted(set(names) - set(record.models)):
        allowed = ", ".join(sorted(record.models)) or "none yet"
        raise ConfigurationError(
            f"--models names {unknown_names[0]!r}, "
            f"allowed are the models delivered to {stage.name}: {allowed}"
        )
    commits: dict[str, list[str]] = {}
    for model in names:
        commits.setdefault(record.models[model].current.commit, []).append(model)
    return [_retraining(stage, commit, models) for commit, models in commits.items()]


def retrain_once(stage: Stage, model: str, request_id: str) -> Retraining:
    """Have a model retrained as the monitor asks for by this request, which is taken once.

    A request of a version that has left meanwhile is taken and starts nothing.
    """
    delivery = record_object.recorded_model(stage, model).current
    now = datetime.now(UTC)
    request = _taken(stage, model, request_id, now)
    if request.build is not None:
        return Retraining([model], cloud_build.get(stage, request.build), None)
    if request.taken_at != now:
        return Retraining([model], None, None, "another message of this request starts it")
    try:
        retraining_requests.check_wanted(stage, model, request_id)
    except SupersededError as superseded:
        return Retraining([model], None, None, str(superseded))
    return _requested(stage, model, delivery.commit, request.id)


def _taken(stage: Stage, model: str, request_id: str, now: datetime) -> Request:
    """The request, taken now unless somebody else did so.

    What was taken by somebody who has died since is taken again.
    """

    def take(request: Request) -> Request:
        if request.build or request.is_starting(now):
            return request
        return replace(request, taken_at=now)

    requests = retraining_requests.changed(stage, model, request_id, take)
    return retraining_requests.named(requests, request_id, model)


def _requested(stage: Stage, model: str, commit: str, request_id: str) -> Retraining:
    """Start the request's build, or find the one that its first receiver has started."""

    def tell(change: Callable[[Request], Request]) -> None:
        retraining_requests.changed(stage, model, request_id, change)

    try:
        build = cloud_build.requested(stage, "modules", request_id)
        build = build or _ongoing_or_started(stage, commit, [model], request_id)
    except UnreachableError:
        # It may have been started: the next message finds it.
        tell(lambda request: replace(request, sent_at=None))
        raise
    except RunError as error:
        tell(lambda request: replace(request, sent_at=None, taken_at=None))
        return Retraining([model], None, str(error))
    tell(lambda request: replace(request, build=build.id))
    return Retraining([model], build, None)


def _retraining(stage: Stage, commit: str, models: list[str]) -> Retraining:
    """Start one build; a refusal is its answer, since others may have started before."""
    try:
        build = _ongoing_or_started(stage, commit, models)
    except RunError as error:
        return Retraining(models, None, str(error))
    return Retraining(models, build, None)


def _ongoing_or_started(
    stage: Stage, commit: str, models: list[str], request: str = ""
) -> cloud_build.Build:
    """Return the build of these models that has not ended, or start one.

    So a call, or a message, that comes twice asks no person for a second approval.
    """
    names = ",".join(models)
    build = cloud_build.ongoing(stage, "modules", commit=commit, models=names)
    if build is not None:
        return build
    return cloud_build.start(stage, "modules", commit=commit, models=names, request=request)


def promote(source: Stage, stage: Stage, commit: str | None, models: str) -> cloud_build.Build:
    """Have the stage's own trigger take the models of `commit` from `source`.

    They are those of `models` that `source` has recorded at `commit`.
    """
    if commit is None:
        raise ConfigurationError(
            "--commit is missing, allowed with --promote is the hash of a commit "
            "that the stage before has delivered"
        )
    record = record_object.read(source)
    commit_models = sorted(
        name for name, model in record.models.items() if model.current.commit == commit
    )
    names = commit_models if models == cloud_build.ALL_MODELS else models.split(",")
    if not names or (other_names := sorted(set(names) - set(commit_models))):
        subject = other_names[0] if names else "any model"
        allowed = ", ".join(commit_models) or "none"
        raise ConfigurationError(
            f"{source.name} has not delivered {subject} of --commit {commit}, allowed are {allowed}"
        )
    return _ongoing_or_started(stage, commit, names)


def _refuse_other_stages(stage: Stage) -> None:
    if stage.settings.promotes_from is not None:
        raise ConfigurationError(
            f"--env is {stage.name!r}, which gets what passed in {stage.settings.promotes_from}: "
            "allowed is the stage that promotes from none"
        )


def _checked(repository: Path, head: str, branch: str) -> str:
    commit = git.commit(repository, head)
    if commit is None:
        raise ConfigurationError(f"--head is {head!r}, allowed is a commit of {repository}")
    if changed_files := git.uncommitted(repository):
        more = f" (and {len(changed_files) - 1} more)" if changed_files[1:] else ""
        raise ConfigurationError(
            f"{changed_files[0]} is not committed{more}: "
            "a delivery is of a commit; commit it or put it away"
        )
    if not git.is_on(repository, commit, branch):
        raise ConfigurationError(
            f"--head is {commit[:12]}, which is not on origin/{branch}: "
            "merge and `git push` it, or `git fetch origin` if it is there already"
        )
    return commit


def _earlier_push(stage: Stage, repository: Path, record: Record, commit: str) -> Pushed | None:
    """Return why this commit needs no build of its own, or None if it needs one."""
    if record.commit is not None and git.is_ancestor(repository, commit, record.commit):
        return Pushed(
            f"{commit[:12]} is delivered already, as part of {record.commit[:12]}: "
            "nothing is started",
            False,
        )
    last_push = record.pushed
    if last_push is None or not git.is_ancestor(repository, commit, last_push.commit):
        return None
    if commit != last_push.commit:
        return Pushed(
            f"{last_push.commit[:12]} was pushed after it and holds it: nothing is started", False
        )
    existing_build = (
        cloud_build.get(stage, last_push.build)
        if last_push.build
        else cloud_build.find(stage, last_push.recipe, commit)
    )
    if existing_build:
        return Pushed(
            f"{commit[:12]} was pushed before ({existing_build.status.lower()}): "
            "nothing is started, --again does",
            False,
            existing_build,
        )
    if datetime.now(UTC) - last_push.at < STARTING:
        return Pushed(f"{commit[:12]} is being pushed by someone else: nothing is started", False)
    return None


def _claimed(stage: Stage, old_record: Record, new_push: Push) -> bool:
    """Say whether the record now names this push as the last one.

    Of two pushes at once one sees the other's.
    """

    def claim(record: Record) -> Record:
        unchanged = record.pushed == old_record.pushed
        return replace(record, pushed=new_push) if unchanged else record

    return record_object.update(stage, claim).pushed == new_push


def _start(stage: Stage, old_record: Record, new_push: Push) -> cloud_build.Build:
    def tell(push: Push | None) -> None:
        record_object.update(
            stage,
            lambda record: replace(record, pushed=push) if record.pushed == new_push else record,
        )

    try:
        build = cloud_build.start(
            stage,
            new_push.recipe,
            commit=new_push.commit,
            models=",".join(new_push.models) or cloud_build.NO_MODELS,
        )
    except UnreachableError:
        # it may have been started: the next push of this commit finds it, or takes over after a
        # while
        raise
    except RunError:
        tell(old_record.pushed)
        raise
    tell(replace(new_push, build=build.id))
    return build
