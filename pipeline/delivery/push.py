"""Hands a commit of main to the first stage's trigger: what is due by its record, once however often and by however many it is asked."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from pipeline.delivery import git, record_object
from pipeline.delivery.record import Push, Record
from pipeline.delivery.route import Route
from pipeline.errors import ConfigurationError, RunError, UnreachableError
from pipeline.gcp import cloud_build
from settings import Settings

STARTING = timedelta(
    minutes=2
)  # a push that has told no build by then has died before it could start one


@dataclass(frozen=True)
class Pushed:
    """What became of a push: the build that was started, or the one that was there, or why there is none."""

    said: str
    started: bool
    build: cloud_build.Build | None = None
    route: Route | None = None


def push(settings: Settings, repository: Path, head: str, *, again: bool) -> Pushed:
    """Start the delivery of `head`, which must be on GitHub's default branch; `again` also where it was pushed before."""
    _refuse_other_stages(settings)
    commit = _checked(repository, head, settings.github.branch)
    record = record_object.read(settings)
    if not again and (there := _there_already(settings, repository, record, commit)):
        return there
    route, notice = git.routed(repository, base=record.commit, head=commit)
    recipe: Literal["image", "modules"] = "image" if route.image else "modules"
    mine = Push(
        commit=commit,
        recipe=recipe,
        models=tuple(sorted(route.models)),
        at=datetime.now(UTC),
        build=None,
    )
    if route.kind == "none":
        if not (again and record.pushed and record.pushed.commit == commit):
            return Pushed(
                "nothing to deliver: no change since the last delivery reaches an image or a model",
                False,
                route=route,
            )
        mine = replace(
            record.pushed, at=mine.at, build=None
        )  # what it was delivered by the last time
    if not _claimed(settings, record, mine):
        return Pushed(
            "another push has just started this or a newer commit: nothing is started",
            False,
            route=route,
        )
    build = _start(settings, record, mine)
    return Pushed(f"{notice}; " if notice else "", True, build, route)


def retrain(settings: Settings, models: str) -> list[tuple[list[str], cloud_build.Build]]:
    """Have the recorded models trained anew on newer data, each by the very commit and image that made it; all builds that were started."""
    record = record_object.read(settings)
    wanted = sorted(record.models) if models == cloud_build.ALL_MODELS else models.split(",")
    if unknown := sorted(set(wanted) - set(record.models)):
        known = ", ".join(sorted(record.models)) or "none yet"
        raise ConfigurationError(
            f"--models names {unknown[0]!r}, allowed are the models delivered to {settings.stage}: {known}"
        )
    commits: dict[str, list[str]] = {}
    for model in wanted:
        commits.setdefault(record.models[model].current.commit, []).append(model)
    return [
        (of, cloud_build.start(settings, "modules", commit=commit, models=",".join(of)))
        for commit, of in commits.items()
    ]


def promote(
    source: Settings, settings: Settings, commit: str | None, models: str
) -> cloud_build.Build:
    """Have `settings`' own trigger take what `source` has recorded of these models at that commit."""
    if commit is None:
        raise ConfigurationError(
            "--commit is missing, allowed with --promote is the hash of a commit that the stage before has delivered"
        )
    record = record_object.read(source)
    of = sorted(model for model, known in record.models.items() if known.current.commit == commit)
    wanted = of if models == cloud_build.ALL_MODELS else models.split(",")
    if not wanted or (other := sorted(set(wanted) - set(of))):
        what = other[0] if wanted else "any model"
        raise ConfigurationError(
            f"{source.stage} has not delivered {what} of --commit {commit}, allowed are {', '.join(of) or 'none'}"
        )
    return cloud_build.start(settings, "modules", commit=commit, models=",".join(wanted))


def _refuse_other_stages(settings: Settings) -> None:
    if settings.promotes_from is not None:
        raise ConfigurationError(
            f"--env is {settings.stage!r}, which gets what passed in {settings.promotes_from}: allowed is the stage that promotes from none"
        )


def _checked(repository: Path, head: str, branch: str) -> str:
    commit = git.commit(repository, head)
    if commit is None:
        raise ConfigurationError(f"--head is {head!r}, allowed is a commit of {repository}")
    if changed := git.uncommitted(repository):
        more = f" (and {len(changed) - 1} more)" if changed[1:] else ""
        raise ConfigurationError(
            f"{changed[0]} is not committed{more}: a delivery is of a commit; commit it or put it away"
        )
    if not git.is_on(repository, commit, branch):
        raise ConfigurationError(
            f"--head is {commit[:12]}, which is not on origin/{branch}: merge and `git push` it, or `git fetch origin` if it is there already"
        )
    return commit


def _there_already(
    settings: Settings, repository: Path, record: Record, commit: str
) -> Pushed | None:
    """Why this commit needs no build of its own, if so."""
    if record.commit is not None and git.is_ancestor(repository, commit, record.commit):
        return Pushed(
            f"{commit[:12]} is delivered already, as part of {record.commit[:12]}: nothing is started",
            False,
        )
    last = record.pushed
    if last is None or not git.is_ancestor(repository, commit, last.commit):
        return None
    if commit != last.commit:
        return Pushed(
            f"{last.commit[:12]} was pushed after it and holds it: nothing is started", False
        )
    if (
        build := cloud_build.get(settings, last.build)
        if last.build
        else cloud_build.find(settings, last.recipe, commit)
    ):
        return Pushed(
            f"{commit[:12]} was pushed before ({build.status.lower()}): nothing is started, --again does",
            False,
            build,
        )
    if datetime.now(UTC) - last.at < STARTING:
        return Pushed(f"{commit[:12]} is being pushed by someone else: nothing is started", False)
    return None


def _claimed(settings: Settings, seen: Record, mine: Push) -> bool:
    """Whether the record now names this push as the last one; of two at once one sees the other's."""
    left = record_object.update(
        settings,
        lambda record: replace(record, pushed=mine) if record.pushed == seen.pushed else record,
    )
    return left.pushed == mine


def _start(settings: Settings, seen: Record, mine: Push) -> cloud_build.Build:
    def tell(push: Push | None) -> None:
        record_object.update(
            settings,
            lambda record: replace(record, pushed=push) if record.pushed == mine else record,
        )

    try:
        build = cloud_build.start(
            settings,
            mine.recipe,
            commit=mine.commit,
            models=",".join(mine.models) or cloud_build.NO_MODELS,
        )
    except UnreachableError:  # it may have been started: the next push of this commit finds it, or takes over after a while
        raise
    except RunError:
        tell(seen.pushed)
        raise
    tell(replace(mine, build=build.id))
    return build
