"""Decides the reach of a push, by one function.

It says which of image, models and infrastructure a set of changes reaches.
"""

import posixpath
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import reduce
from typing import Literal

from settings.names import MODEL_NAME

# What decides what a trained model is: the compiled job, what its nodes do, and the packages in
# its image.
TRAINING_FOLDERS = (
    "pipeline/baseline/",
    "pipeline/components/",
    "pipeline/job/",
    "pipeline/model/",
    "settings/",
)
TRAINING_FILES = {
    "pipeline/spec.py",
    "Pipfile.lock",
    *(f"build/{file}" for file in ("Dockerfile", "environment", "requirements", "trim")),
}
STAGES = "settings/stages.py"  # no node imports it
CARD = "card.md"  # of a model: words about it, the next run's card has them


@dataclass(frozen=True)
class Change:
    """One path and its change; a rename is one deleted and one added."""

    path: str
    what: Literal["added", "modified", "deleted"]


@dataclass(frozen=True)
class Route:
    image: bool = False
    models: frozenset[str] = frozenset()
    removed: frozenset[str] = frozenset()
    infrastructure: bool = False

    @property
    def kind(self) -> Literal["full", "partial", "none"]:
        if self.image:
            return "full"
        return "partial" if self.models else "none"

    def __or__(self, other: "Route") -> "Route":
        return Route(
            self.image or other.image,
            self.models | other.models,
            self.removed | other.removed,
            self.infrastructure or other.infrastructure,
        )


def route_of(changes: Iterable[Change], models: Collection[str]) -> Route:
    """Return the reach of the changes.

    `models` are those with a model.toml after the changes, and no other is ever submitted.
    """
    names = frozenset(models)
    return reduce(Route.__or__, (_reach(change, names) for change in changes), Route())


def everything(models: Collection[str]) -> Route:
    """Return the route of everything, for an unknown base or none."""
    return Route(image=True, models=frozenset(models), infrastructure=True)


def _reach(change: Change, models: frozenset[str]) -> Route:
    path = posixpath.normpath(change.path)
    if path != STAGES and (path in TRAINING_FILES or path.startswith(TRAINING_FOLDERS)):
        return Route(image=True, models=models)
    match path.split("/"):
        case ["models", folder, *parts] if parts:
            return _model_reach(change, folder, parts, models)
        case ["pipeline" | "settings", *_] | [".dockerignore"]:
            return Route(image=True)
        case ["infra", *_] | ["environments.py"]:
            return Route(infrastructure=True)
    return Route()


def _model_reach(change: Change, folder: str, parts: list[str], models: frozenset[str]) -> Route:
    """Return the reach of a change inside a folder of models/.

    A folder is a model's by its model.toml, which comes with an endpoint and goes with it.
    """
    if parts == [CARD]:
        return Route()
    model_route = Route(models=models & {folder})
    if parts != ["model.toml"] or not MODEL_NAME.fullmatch(folder):
        return model_route
    if change.what == "deleted" and folder not in models:
        return Route(removed=frozenset({folder}), infrastructure=True)
    return model_route | Route(infrastructure=change.what == "added")
