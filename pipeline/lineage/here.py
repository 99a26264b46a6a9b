"""This machine as a lineage's place: its stores, summaries and published versions."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.errors import RunError
from pipeline.lineage import requests, run_facts
from pipeline.lineage.cloud_servings import Servings
from pipeline.lineage.graph import Serving
from pipeline.lineage.local_servings import Published
from pipeline.lineage.local_store import LocalStore
from pipeline.lineage.place import Logged
from pipeline.lineage.run_facts import RunFacts
from pipeline.local import imported, pruned
from pipeline.local.run_names import SUMMARY

Models = dict[str, Published]
Facts = dict[str, RunFacts | None]  # by the run


@dataclass
class Here:
    """Implements Place; a request's id is looked up in `request_log`."""

    root: Path
    request_log: str | None = None
    stage: None = field(default=None, init=False)
    _published: Models = field(default_factory=dict, init=False)
    _facts: Facts = field(default_factory=dict, init=False)

    def models(self) -> list[str]:
        folders = self.root.glob("store/*")
        return sorted(folder.name for folder in folders if folder.is_dir())

    def store(self, model: str) -> LocalStore:
        return self._model(model).store

    def _model(self, model: str) -> Published:
        if model not in self._published:
            folder = self.root / "store" / model
            store = LocalStore(folder)
            self._published[model] = Published(model, folder / "published", store)
        return self._published[model]

    def runs(self, model: str) -> list[str]:
        store = self.store(model)
        return [run for run in store.runs() if run]

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
        return self._model(model).run_of(version)

    def servings(self, model: str) -> Servings:
        published = self._model(model)
        return Servings(published.servings())

    def names(self, model: str) -> dict[str, str]:
        return {}

    def endpoint(self, model: str) -> None:
        return None

    def logged(self, request: str) -> Sequence[Logged]:
        if self.request_log is None:
            return []
        from pipeline.gcp.bigquery import client_of

        client = client_of(self.request_log)
        answers: list[Logged] = []
        for version, time in requests.rows(client, self.request_log, request):
            models = self._with(version)
            answers += [(model, version, time) for model in models]
        return answers

    def _with(self, version: str) -> list[str]:
        """The models that have a version of the number."""
        models = []
        for model in self.models():
            answer = self.servings(model)
            versions = [serving.version for serving in answer.servings]
            if version in versions:
                models.append(model)
        return models

    def undo(self, serving: Serving, bad: Sequence[str]) -> str:
        published = self._model(serving.model)
        folder = str(published.folder / serving.version)
        aside = f"{published.folder}.{serving.version}"
        move = shlex.join(["mv", folder, aside])
        good = [number for number in published.numbers if number not in bad]
        if good:
            return f"{move}  # then start its server again, which serves {good[-1]}"
        return f"{move}  # no other version is left: stop its server"
