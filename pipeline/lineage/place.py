"""Where a lineage is asked: this machine, or a stage in the cloud."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from pipeline.lineage.cloud_servings import Servings
from pipeline.lineage.graph import Serving, Store
from pipeline.lineage.run_facts import RunFacts

Logged = tuple[str, str, datetime]  # the model, its version, and the time


class Place(Protocol):
    """All of it raises RunError, in one sentence, where it can't be answered."""

    @property
    def stage(self) -> str | None:
        """None on this machine."""

    def models(self) -> Sequence[str]: ...

    def store(self, model: str) -> Store: ...

    def runs(self, model: str) -> Sequence[str]:
        """The ids of all runs that the model's metadata or reports know, the oldest first."""

    def pruned(self, name: str) -> str | None:
        """When the run of this name, or of this beginning, was removed; None where none was."""

    def facts(self, model: str, run: str) -> RunFacts | None:
        """What the run's summary says; None where it is gone."""

    def servings(self, model: str) -> Servings:
        """Where each version served and serves."""

    def run_of(self, model: str, version: str) -> str | None:
        """The run that made the version; None where nothing tells it any more."""

    def names(self, model: str) -> dict[str, str]:
        """What else names a version, as a deployed model's id does: name -> version."""

    def endpoint(self, model: str) -> str | None:
        """The name of the model's endpoint."""

    def logged(self, request: str) -> Sequence[Logged]:
        """What each logged request of this id was answered by, and when."""

    def undo(self, serving: Serving, bad: Sequence[str]) -> str:
        """The command that takes the traffic from a version; `bad` are all affected ones."""
