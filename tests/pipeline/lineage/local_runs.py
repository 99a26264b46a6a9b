"""Runs of a small pipeline in ML Metadata on this machine, written in one transaction.

The tables are made by ML Metadata itself; its client would take a minute for 500 runs.
"""

import json
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ml_metadata.metadata_store import metadata_store
from ml_metadata.proto import metadata_store_pb2

COMMIT = "c" * 40
NODES = {
    "CsvExampleGen": ({}, {"examples": "Examples"}),
    # Of a schema that was inferred: bad rows may be behind it.
    "ImportSchemaGen": ({"examples": "CsvExampleGen.examples"}, {"schema": "Schema"}),
    "Transform": (
        {"examples": "CsvExampleGen.examples", "schema": "ImportSchemaGen.schema"},
        {"transform_graph": "TransformGraph"},
    ),
    "Trainer": (
        {"transform_graph": "Transform.transform_graph", "schema": "ImportSchemaGen.schema"},
        {"model": "Model"},
    ),
    "Evaluator": (
        {"examples": "CsvExampleGen.examples", "model": "Trainer.model"},
        {"evaluation": "ModelEvaluation", "blessing": "ModelBlessing"},
    ),
    "Pusher": (
        {"model": "Trainer.model", "model_blessing": "Evaluator.blessing"},
        {"pushed_model": "PushedModel"},
    ),
}
CACHED, COMPLETE = 5, 3
INPUT, OUTPUT = 3, 4


@dataclass
class LocalRuns:
    """Adds runs to a model's store below `root`, and their summaries."""

    root: Path
    model: str = "cab"
    artifacts: dict[str, dict[str, int]] = field(default_factory=dict)  # of a run, by NODE.KEY
    times: int = 1_700_000_000_000

    def __post_init__(self) -> None:
        self.store.mkdir(parents=True)
        config = metadata_store_pb2.ConnectionConfig()
        config.sqlite.filename_uri = str(self.file)
        metadata_store.MetadataStore(config).get_artifact_types()

    @property
    def store(self) -> Path:
        return self.root / "store" / self.model

    @property
    def file(self) -> Path:
        return self.store / "metadata.db"

    def run(self, run: str, **facts: Any) -> str:
        """Add one run; see `add`."""
        self.add([(run, facts)])
        return run

    def add(self, runs: Iterable[tuple[str, dict[str, Any]]]) -> None:
        """Add runs by their names and facts.

        of: the run that `cached` nodes are taken from; baseline: the run whose model is compared
        with; version: what is pushed; blessed: 0 or 1; digest, model_digest, commit: as they say.
        """
        with closing(sqlite3.connect(self.file)) as database, database:
            writer = _Writer(database, self)
            for run, facts in runs:
                self.times += 60_000
                writer.run(run, **facts)
        for run, facts in runs:
            self.summary(run, facts)

    def summary(self, run: str, facts: dict[str, Any]) -> None:
        digest = facts.get("digest", "d" * 64)
        environment = {
            "python": "3.13.5",
            "pipfile_lock_sha256": "e" * 64,
            "packages": facts.get("packages", {"tensorflow": "2.21.0"}),
            "image": facts.get("image"),
        }
        data = {"rows": 1500, "digest": digest, "window": facts.get("window", {})}
        data |= {name: facts[name] for name in ("tables", "query") if name in facts}
        records = {
            "code": {"commit": facts.get("commit", COMMIT), "changed_files": []},
            "environment": environment,
            "data": data,
            "hyperparameters": {"units": 8},
            "metrics": {"auc": 0.8125},
        }
        content = {"run": run, "model": self.model, "state": "succeeded", "records": records}
        file = self.root / run / "summary.json"
        file.parent.mkdir(parents=True)
        file.write_text(json.dumps(content))

    def publish(self, version: str) -> Path:
        folder = self.store / "published" / version
        folder.mkdir(parents=True)
        (folder / "saved_model.pb").write_bytes(b"model")
        return folder


class _Writer:
    """Rows of the runs in an open database."""

    def __init__(self, database: sqlite3.Connection, runs: LocalRuns) -> None:
        self.database = database
        self.runs = runs
        self.types = {name: id_ for id_, name in database.execute("SELECT id, name FROM Type")}

    def insert(self, table: str, **values: Any) -> int:
        names, places = ", ".join(values), ", ".join("?" * len(values))
        sql = f"INSERT INTO {table} ({names}) VALUES ({places})"
        return self.database.execute(sql, list(values.values())).lastrowid

    def type(self, name: str, kind: int) -> int:
        if name not in self.types:
            self.types[name] = self.insert("Type", name=name, type_kind=kind)
        return self.types[name]

    def context(self, kind: str, name: str) -> int:
        type_ = self.type(kind, 2)
        rows = self.database.execute(
            "SELECT id FROM Context WHERE type_id = ? AND name = ?", [type_, name]
        )
        for (id_,) in rows:
            return id_
        return self.insert("Context", type_id=type_, name=name)

    def run(self, run: str, **facts: Any) -> None:
        old_run = facts.get("of")
        made = dict(self.runs.artifacts.get(old_run, {}))
        self.runs.artifacts[run] = made
        for node, (inputs, outputs) in NODES.items():
            if node == "Evaluator" and facts.get("baseline"):
                self.choose(run, self.runs.artifacts[facts["baseline"]]["Trainer.model"])
            is_cached = node in facts.get("cached", ())
            state = CACHED if is_cached else COMPLETE
            execution = self.execution(run, node, state)
            for key, origin in inputs.items():
                self.event(made[origin], execution, INPUT, key)
            if node == "Evaluator" and facts.get("baseline"):
                baseline = self.runs.artifacts[facts["baseline"]]["Trainer.model"]
                if baseline != made["Trainer.model"]:
                    self.event(baseline, execution, INPUT, "baseline_model")
            for key, type_ in outputs.items():
                if not is_cached:
                    place = f"{self.runs.store}/{node}/{key}/{execution}"
                    made[f"{node}.{key}"] = self.artifact(type_, place, facts)
                self.event(made[f"{node}.{key}"], execution, OUTPUT, key)

    def choose(self, run: str, baseline: int) -> None:
        """A resolver has no input, and the model that it chose as its output."""
        execution = self.execution(run, "LastBlessed", COMPLETE)
        self.event(baseline, execution, OUTPUT, "model")

    def execution(self, run: str, node: str, state: int) -> int:
        execution = self.insert(
            "Execution",
            type_id=self.type(f"components.{node}", 0),
            last_known_state=state,
            create_time_since_epoch=self.runs.times,
        )
        names = {"pipeline": "cab", "pipeline_run": run, "node": f"cab.{node}"}
        for kind, name in names.items():
            context = self.context(kind, name)
            self.insert("Association", context_id=context, execution_id=execution)
        return execution

    def artifact(self, type_: str, place: str, facts: dict[str, Any]) -> int:
        artifact = self.insert("Artifact", type_id=self.type(type_, 1), uri=place)
        for name, value in _properties(type_, facts).items():
            column = "int_value" if isinstance(value, int) else "string_value"
            self.insert(
                "ArtifactProperty",
                **{"artifact_id": artifact, "name": name, "is_custom_property": 1, column: value},
            )
        return artifact

    def event(self, artifact: int, execution: int, type_: int, key: str) -> None:
        event = self.insert("Event", artifact_id=artifact, execution_id=execution, type=type_)
        self.insert("EventPath", event_id=event, is_index_step=0, step_key=key)


def _properties(type_: str, facts: dict[str, Any]) -> dict[str, Any]:
    push = {"pushed": 1, "new": 1, "pushed_version": facts.get("version"), "by": "us@here"}
    by_type = {
        "Examples": {"digest": facts.get("digest", "d" * 64), "rows": 1500},
        "Model": {"digest": facts.get("model_digest", "a" * 64)},
        "ModelBlessing": {"blessed": facts.get("blessed", 1)},
        "PushedModel": push if facts.get("version") else {},
    }
    return by_type.get(type_, {})
