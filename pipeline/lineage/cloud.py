"""A stage in the cloud as a lineage's place.

A promotion takes images and modules along and trains again, so that each stage's own metadata and
reports tell where its models came from.
"""

from collections.abc import Sequence
from functools import cached_property

from pipeline.delivery import record_object
from pipeline.errors import RunError
from pipeline.gcp import artifact_files
from pipeline.gcp.clients import patiently
from pipeline.gcp.stage import Stage
from pipeline.lineage import cloud_servings, cloud_versions, requests, run_facts
from pipeline.lineage.cloud_servings import Servings
from pipeline.lineage.graph import Serving
from pipeline.lineage.place import Logged
from pipeline.lineage.run_facts import RunFacts
from pipeline.lineage.vertex_store import VertexStore
from settings.artifacts import REPORTS


class Cloud:
    """Implements Place for a stage."""

    def __init__(self, stage: Stage, models: Sequence[str]) -> None:
        self._stage = stage
        self._models = models
        self._facts: dict[str, RunFacts | None] = {}

    @property
    def stage(self) -> str:
        return self._stage.name

    @cached_property
    def _store(self) -> VertexStore:
        return VertexStore(self._stage)

    def models(self) -> Sequence[str]:
        return self._models

    def store(self, model: str) -> VertexStore:
        return self._store

    def runs(self, model: str) -> list[str]:
        prefix = f"{REPORTS}{model}/"
        bucket = self._stage.artifacts
        with self._stage.asking_bucket():
            blobs = patiently(lambda: list(bucket.list_blobs(prefix=prefix)))
        names = [blob.name.removeprefix(prefix).split("/") for blob in blobs]
        return [parts[0] for parts in names if parts[1:] == ["summary.json"]]

    def pruned(self, name: str) -> None:
        """Nothing removes a run in the cloud."""

    def facts(self, model: str, run: str) -> RunFacts | None:
        name = f"{REPORTS}{model}/{run}/summary.json"
        uri = f"gs://{self._stage.names.bucket('artifacts')}/{name}"
        if name not in self._facts:
            text = artifact_files.read(self._stage, uri)
            self._facts[name] = run_facts.decode(text, uri) if text is not None else None
        return self._facts[name]

    def run_of(self, model: str, version: str) -> str | None:
        return cloud_versions.run_of_version(self._stage, model, version)

    def servings(self, model: str) -> Servings:
        return cloud_servings.of_stages([self._stage], model)

    def names(self, model: str) -> dict[str, str]:
        try:
            return cloud_versions.versions(self._stage, model)
        except RunError:  # a model without an endpoint yet; `servings` says why it is not read
            return {}

    def endpoint(self, model: str) -> str:
        return self._stage.names.endpoint(model)

    def logged(self, request: str) -> Sequence[Logged]:
        answers: list[Logged] = []
        dataset = f"{self._stage.project}.{self._stage.names.dataset('requests')}"
        with self._stage.asking("the request logs"):
            client = self._stage.bigquery
        for model in self._models:
            table = f"{dataset}.{self._stage.names.request_table(model)}"
            rows = requests.rows(client, table, request)
            versions = self.names(model) if rows else {}
            answers += [(model, versions.get(id_, id_), time) for id_, time in rows]
        return answers

    def undo(self, serving: Serving, bad: Sequence[str]) -> str:
        place = f"--env {self.stage} {serving.model}"
        recorded = record_object.read(self._stage).models.get(serving.model)
        previous = recorded.before if recorded else None
        if previous and previous.registry_version not in bad:
            return f"python3 -m pipeline release rollback {place}"
        reason = "the one before it is no better" if previous else "there is none before it"
        return f"python3 -m pipeline release retire {place}  # all its versions: {reason}"
