"""This machine as a lineage's place: its stores, summaries and published versions."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from pipeline import manifest
from pipeline.errors import RunError
from pipeline.lineage import requests, run_facts
from pipeline.lineage.cloud_servings import Servings
from pipeline.lineage.graph import Artifact, Serving
from pipeline.lineage.local_store import LocalStore
from pipeline.lineage.run_facts import RunFacts
from pipeline.local import imported, pruned
from pipeline.local.run_names import SUMMARY
from pipeline.serving import saved_model

SECONDS = range(1_000_000_000, 253_402_300_800)  # of 2001 to 9999: another version is no time


@dataclass
class Here:
    """Implements Place; a request's id is looked up in `request_log`."""

    root: Path
    request_log: str | None = None
    stage: None = field(default=None, init=False)
    _stores: dict[str, LocalStore] = field(default_factory=dict, init=False)
    _facts: dict[str, RunFacts | None] = field(default_factory=dict, init=False)

    def models(self) -> list[str]:
        return sorted(folder.name for folder in self.root.glob("store/*") if folder.is_dir())

    def store(self, model: str) -> LocalStore:
        if model not in self._stores:
            self._stores[model] = LocalStore(self.root / "store" / model)
        return self._stores[model]

    def runs(self, model: str) -> list[str]:
        return [run for run in self.store(model).runs() if run]

    def pruned(self, name: str) -> str | None:
        return pruned.told(self.root, name) or imported.told(self.root, name)

    def facts(self, model: str, run: str) -> RunFacts | None:
        if run not in self._facts:
            self._facts[run] = self._read(run)
        return self._facts[run]

    def _read(self, run: str) -> RunFacts | None:
        file = self.root / run / SUMMARY
        try:
            text = file.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise RunError(f"{file} cannot be read ({error!r:.80})") from error
        return run_facts.decode(text, str(file))

    def run_of(self, model: str, version: str) -> str | None:
        store = self.store(model)
        maker = _pushes(store).get(version) or self._published_model(model, version)
        execution = store.producer(maker) if maker else None
        return execution.run if execution else None

    def _published_model(self, model: str, version: str) -> Artifact | None:
        """The model of a version by its files: a run that was killed may not have noted its push."""
        folder = self.root / "store" / model / "published" / version
        try:
            digest = manifest.read(manifest.inside(folder)).digest
        except (OSError, ValueError):  # of a version from before manifests, or of none
            return None
        models = self.store(model).with_property("Model", "digest", digest)
        return next(iter(models), None)

    def servings(self, model: str) -> Servings:
        """The newest version has all the traffic, from its publication to the next one's."""
        published = self.root / "store" / model / "published"
        folders = {folder.name for folder in saved_model.versions(published)}
        pushes = _pushes(self.store(model))
        numbers = sorted(folders | set(pushes), key=int)
        begins = {number: self._begin(model, number) for number in numbers}
        if not numbers:  # no version was ever published
            return Servings([])
        newest = max(folders, key=int, default=None)
        servings = []
        for number, following in zip(numbers, [*numbers[1:], None], strict=True):
            end = begins[following] if following else None
            if end is None and number != newest:
                end = _last_change(published)  # its folder was taken away
            push = pushes.get(number)
            serving = _serving(model, number, begins[number], end)
            servings.append(replace(serving, by=push.properties.get("by") if push else None))
        if newest and newest != numbers[-1]:  # an older one answers again
            servings.append(_serving(model, newest, _last_change(published), None))
        return Servings(servings)

    def _begin(self, model: str, number: str) -> datetime:
        """When a version was published: its number, which a clock that goes back leaves behind."""
        if int(number) in SECONDS:
            return datetime.fromtimestamp(int(number), UTC)
        push = _pushes(self.store(model)).get(number)
        execution = self.store(model).producer(push) if push else None
        if execution and execution.started:
            return execution.started
        return _last_change(self.root / "store" / model / "published" / number)

    def names(self, model: str) -> dict[str, str]:
        return {}

    def endpoint(self, model: str) -> None:
        return None

    def logged(self, request: str) -> Sequence[tuple[str, str, datetime]]:
        if self.request_log is None:
            return []
        from pipeline.gcp.bigquery import client_of

        rows = requests.rows(client_of(self.request_log), self.request_log, request)
        return [(model, version, time) for version, time in rows for model in self._with(version)]

    def _with(self, version: str) -> list[str]:
        """The models that have a version of the number."""
        models = []
        for model in self.models():
            if version in [serving.version for serving in self.servings(model).servings]:
                models.append(model)
        return models

    def undo(self, serving: Serving, bad: Sequence[str]) -> str:
        published = self.root / "store" / serving.model / "published"
        aside = f"{published}.{serving.version}"
        move = shlex.join(["mv", str(published / serving.version), aside])
        others = [folder.name for folder in saved_model.versions(published)]
        good = [number for number in others if number not in bad]
        if good:
            return f"{move}  # then start its server again, which serves {good[-1]}"
        return f"{move}  # no other version is left: stop its server"


def _pushes(store: LocalStore) -> dict[str, Artifact]:
    """What made each version that was ever published, by its number."""
    by_version: dict[str, Artifact] = {}
    for artifact in store.artifacts("PushedModel"):
        version = str(artifact.properties.get("pushed_version", ""))
        if artifact.properties.get("pushed") == 1 and version.isdecimal():
            by_version.setdefault(version, artifact)
    return by_version


def _serving(model: str, version: str, begin: datetime, end: datetime | None) -> Serving:
    return Serving(
        stage=None,
        model=model,
        version=version,
        share=100,
        begin=begin,
        end=max(begin, end) if end else None,
        deployed_model=version,
    )


def _last_change(path: Path) -> datetime:
    try:
        seconds = path.stat().st_mtime
    except OSError:
        return datetime.now(UTC)
    return datetime.fromtimestamp(seconds, UTC)
