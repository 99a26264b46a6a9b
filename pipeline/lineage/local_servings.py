"""The versions of a model that served on this machine, and for how long each did.

Nobody notes when a server ran: a version counts as served from its publication to the next one's.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from pipeline import manifest
from pipeline.lineage.graph import Artifact, Serving
from pipeline.lineage.local_store import LocalStore
from pipeline.serving import saved_model

SECONDS = range(1_000_000_000, 253_402_300_800)  # of 2001 to 9999: another version is no time

Pushes = dict[str, Artifact]  # by the version's number


@dataclass
class Published:
    """A model's published versions in a folder, and what the store knows of them."""

    model: str
    folder: Path
    store: LocalStore

    @cached_property
    def pushes(self) -> Pushes:
        """What made each version that was ever published."""
        by_version: Pushes = {}
        for artifact in self.store.artifacts("PushedModel"):
            is_pushed = artifact.properties.get("pushed") == 1
            number = artifact.properties.get("pushed_version", "")
            version = str(number)
            if is_pushed and version.isdecimal():
                by_version.setdefault(version, artifact)
        return by_version

    @property
    def numbers(self) -> list[str]:
        """The versions that are there, the oldest first."""
        return [version.name for version in saved_model.versions(self.folder)]

    def run_of(self, version: str) -> str | None:
        """The run that made the version; None where nothing tells it any more."""
        maker = self.pushes.get(version) or self._model_of(version)
        execution = self.store.producer(maker) if maker else None
        return execution.run if execution else None

    def servings(self) -> list[Serving]:
        """The newest version has all the traffic, from its publication to the next one's."""
        numbers = sorted({*self.numbers, *self.pushes}, key=int)
        if not numbers:  # no version was ever published
            return []
        newest = max(self.numbers, key=int, default=None)
        servings = list(self._in_turn(numbers, newest))
        if newest and newest != numbers[-1]:  # an older one answers again
            serving = self._serving(newest, last_change(self.folder), None)
            servings.append(serving)
        return servings

    def _in_turn(self, numbers: list[str], newest: str | None) -> Iterator[Serving]:
        """Each version's serving until the next one's begins."""
        begins = [self._begin(number) for number in numbers]
        ends = [*begins[1:], None]
        for number, begin, end in zip(numbers, begins, ends, strict=True):
            is_taken_away = end is None and number != newest
            last = last_change(self.folder) if is_taken_away else end
            serving = self._serving(number, begin, last)
            push = self.pushes.get(number)
            yield replace(serving, by=push.properties.get("by")) if push else serving

    def _serving(self, version: str, begin: datetime, end: datetime | None) -> Serving:
        return Serving(
            stage=None,
            model=self.model,
            version=version,
            share=100,
            begin=begin,
            end=max(begin, end) if end else None,
            deployed_model=version,
        )

    def _begin(self, number: str) -> datetime:
        """When a version was published: its number, which a clock that goes back leaves behind."""
        second = int(number)
        if second in SECONDS:
            return datetime.fromtimestamp(second, UTC)
        push = self.pushes.get(number)
        execution = self.store.producer(push) if push else None
        if execution and execution.started:
            return execution.started
        return last_change(self.folder / number)

    def _model_of(self, version: str) -> Artifact | None:
        """The model of a version by its files: a killed run may not have noted its push."""
        file = manifest.inside(self.folder / version)
        try:
            digest = manifest.read(file).digest
        except (OSError, ValueError):  # of a version from before manifests, or of none
            return None
        models = self.store.with_property("Model", "digest", digest)
        return next(iter(models), None)


def last_change(path: Path) -> datetime:
    try:
        status = path.stat()
    except OSError:
        return datetime.now(UTC)
    return datetime.fromtimestamp(status.st_mtime, UTC)
