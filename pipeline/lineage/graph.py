"""Artifacts, the executions that read and made them, and where a model serves.

It is the shape in which both stores answer: ML Metadata on this machine, Vertex ML Metadata in the
cloud.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Artifact:
    id: str  # unique in its store
    type: str  # TFX's: Examples, Model, ModelEvaluation ...
    uri: str
    properties: Mapping[str, Any] = field(default_factory=dict)  # custom ones among them


@dataclass(frozen=True, kw_only=True)
class Execution:
    id: str
    node: str  # the pipeline's node: Trainer, Evaluator ...
    run: str  # that executed it
    state: str  # ran, cached, failed, interrupted
    started: datetime | None = None
    properties: Mapping[str, Any] = field(default_factory=dict)


Artifacts = Mapping[str, Sequence[Artifact]]  # by the node's key


class Store(Protocol):
    """A metadata store, asked one hop at a time.

    Each method raises RunError with a sentence for a store that can't be read.
    """

    def producer(self, artifact: Artifact) -> Execution | None:
        """The execution that made the artifact; never one that took it from the cache."""

    def consumers(self, artifact: Artifact) -> Sequence[Execution]:
        """The executions that read the artifact, cached ones too."""

    def inputs(self, execution: Execution) -> Artifacts: ...

    def outputs(self, execution: Execution) -> Artifacts: ...

    def of_run(self, run: str) -> Sequence[Execution]:
        """All executions of the run, cached ones too; empty where the store knows no such run."""

    def with_property(self, type_: str, name: str, value: str) -> Iterable[Artifact]:
        """All artifacts of the type whose property has the value."""


@dataclass(frozen=True, kw_only=True)
class Serving:
    """A version of a model and its traffic for as long as its share stayed the same."""

    stage: str | None  # None on this machine
    model: str
    version: str
    share: int  # percent
    begin: datetime
    end: datetime | None  # None: now
    endpoint: str | None = None
    deployed_model: str | None = None
    by: str | None = None  # who gave it this share: a build, or a person and a machine
