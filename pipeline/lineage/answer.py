"""The answers of a lineage: one shape here and in the cloud, for people, machines and a picture.

Version 1 of the JSON. A key is added without a new version; a version is for what changes meaning.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from pipeline.lineage.cloud_servings import Unread
from pipeline.lineage.graph import Artifact, Serving
from pipeline.provenance.facts import Code, Environment

VERSION = 1


@dataclass(frozen=True, kw_only=True)
class Hop:
    """A node on the way back: what it read and made, by the node's keys."""

    node: str
    run: str
    started: datetime | None
    inputs: Mapping[str, list[Artifact]]
    outputs: Mapping[str, list[Artifact]]


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """A judge's word about the model, and the model that it was judged against."""

    node: str
    run: str
    blessed: bool | None  # None: it only measured
    against: str | None  # the digest of the other model, or its address
    against_run: str | None


@dataclass(frozen=True, kw_only=True)
class Origin:
    """A model and all it was made from."""

    model: str
    stage: str | None
    version: str | None  # None: never published there
    run: str  # that is asked for
    trained_by: str | None  # the run that trained; another one where the model was cached
    digest: str | None
    hops: list[Hop]
    verdicts: list[Verdict]
    code: Code | None
    author: str | None  # of the commit
    environment: Environment | None
    data: Mapping[str, Any]
    hyperparameters: Mapping[str, Any]
    metrics: Mapping[str, Any]
    servings: list[Serving]
    promoted_from: str | None  # the stage


@dataclass(frozen=True, kw_only=True)
class Backward:
    asked: str
    stage: str | None
    at: datetime | None
    origins: list[Origin]  # several where versions share the traffic
    unread: list[Unread] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Touched:
    """A model that was made from what is asked for."""

    model: str
    stage: str | None  # that trained it; None: this machine
    run: str  # that trained it
    digest: str | None
    commit: str | None
    servings: list[Serving]


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A model that was made from none of it, and only judged against it."""

    model: str
    stage: str | None
    run: str
    digest: str | None
    by: str  # the node and its run


@dataclass(frozen=True, kw_only=True)
class Forward:
    asked: str
    stage: str | None
    models: list[Touched]
    judged: list[Judged]
    commands: list[str]  # that take the traffic away; none is run
    unread: list[Unread] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def served(self) -> bool:
        servings = [serving for model in self.models for serving in model.servings]
        return any(serving.end is None for serving in servings)


def as_json(answer: Backward | Forward) -> dict[str, Any]:
    kind = "backward" if isinstance(answer, Backward) else "forward"
    served = {"served": answer.served} if isinstance(answer, Forward) else {}
    content = _plain(asdict(answer))
    return {"version": VERSION, "kind": kind, **served, **content}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return value.isoformat() if isinstance(value, datetime) else value
