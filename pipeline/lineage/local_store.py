"""The lineage of the runs on this machine, from ML Metadata's database, which is only read.

ML Metadata's client would open it to write, and ask once for each artifact; the tables are of its
schema version 10.
"""

import contextlib
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipeline.errors import RunError
from pipeline.lineage.graph import Artifact, Artifacts, Execution

SCHEMA = 10
WAIT_SECONDS = 10  # for a run that writes
OUTPUTS = (1, 4, 6)  # DECLARED_OUTPUT, OUTPUT, INTERNAL_OUTPUT
STATES = {2: "interrupted", 3: "ran", 4: "failed", 5: "cached", 6: "interrupted"}
EXECUTIONS = """
SELECT execution.id, node.name, run.name, execution.last_known_state,
       execution.create_time_since_epoch
FROM Execution execution
JOIN Association in_run ON in_run.execution_id = execution.id
JOIN Context run ON run.id = in_run.context_id
JOIN Type run_type ON run_type.id = run.type_id AND run_type.name = 'pipeline_run'
JOIN Association in_node ON in_node.execution_id = execution.id
JOIN Context node ON node.id = in_node.context_id
JOIN Type node_type ON node_type.id = node.type_id AND node_type.name = 'node'
ORDER BY execution.id
"""
EVENTS = """
SELECT event.execution_id, event.artifact_id, event.type, path.step_key
FROM Event event
JOIN EventPath path ON path.event_id = event.id AND path.is_index_step = 0
ORDER BY event.id
"""
ARTIFACTS = """
SELECT artifact.id, type.name, artifact.uri
FROM Artifact artifact JOIN Type type ON type.id = artifact.type_id
"""
PROPERTIES = """
SELECT artifact_id, name, coalesce(string_value, int_value, double_value) FROM ArtifactProperty
"""

Keys = dict[str, list[str]]  # a node's key -> ids of artifacts
Properties = dict[str, Any]
Folders = dict[str, Path]  # by a node's key


@dataclass
class _Links:
    """An execution's artifacts by key."""

    inputs: Keys = field(default_factory=lambda: defaultdict(list))
    outputs: Keys = field(default_factory=lambda: defaultdict(list))


class LocalStore:
    """A model's store on this machine, read once."""

    def __init__(self, store: Path) -> None:
        """Read `store`/metadata.db.

        Raises RunError for one that is missing, locked, damaged or of another version.
        """
        self._store = store
        # each by an id
        self._artifacts: dict[str, Artifact] = {}
        self._executions: dict[str, Execution] = {}
        self._links: defaultdict[str, _Links] = defaultdict(_Links)
        self._producers: dict[str, str] = {}
        self._consumers: Keys = defaultdict(list)
        self._runs: dict[str, list[Execution]] = defaultdict(list)
        with _opened(store / "metadata.db") as database:
            self._read(database)

    def producer(self, artifact: Artifact) -> Execution | None:
        id_ = self._producers.get(artifact.id)
        return self._executions[id_] if id_ else None

    def consumers(self, artifact: Artifact) -> Sequence[Execution]:
        ids = self._consumers[artifact.id]
        return [self._executions[id_] for id_ in ids]

    def inputs(self, execution: Execution) -> Artifacts:
        links = self._links[execution.id]
        return self._by_key(links.inputs)

    def outputs(self, execution: Execution) -> Artifacts:
        links = self._links[execution.id]
        return self._by_key(links.outputs)

    def of_run(self, run: str) -> Sequence[Execution]:
        return self._runs.get(run, [])

    def with_property(self, type_: str, name: str, value: str) -> Iterable[Artifact]:
        for artifact in self.artifacts(type_):
            own_value = artifact.properties.get(name)
            if str(own_value) == value:
                yield artifact

    def runs(self) -> list[str]:
        """The runs that have an execution, the oldest first."""
        return list(self._runs)

    def artifacts(self, type_: str) -> list[Artifact]:
        """All artifacts of the type, the oldest first."""
        artifacts = self._artifacts.values()
        return [artifact for artifact in artifacts if artifact.type == type_]

    def _by_key(self, keys: Keys) -> Artifacts:
        side = {}
        for key, ids in keys.items():
            side[key] = [self._artifacts[id_] for id_ in ids]
        return side

    def _read(self, database: sqlite3.Connection) -> None:
        properties: dict[int, Properties] = defaultdict(dict)
        for id_, name, value in database.execute(PROPERTIES):
            own_properties = properties[id_]
            own_properties[name] = value
        for id_, type_, uri in database.execute(ARTIFACTS):
            name = str(id_)
            address = self._here(uri or "")
            own_properties = properties.get(id_, {})
            artifact = Artifact(id=name, type=type_, uri=address, properties=own_properties)
            self._artifacts[name] = artifact
        for row in database.execute(EXECUTIONS):
            execution = _execution(*row)
            self._executions[execution.id] = execution
            executions = self._runs[execution.run]
            executions.append(execution)
        for execution_id, artifact_id, type_, key in database.execute(EVENTS):
            self._link(str(execution_id), str(artifact_id), type_, key)

    def _link(self, execution_id: str, artifact_id: str, type_: int, key: str) -> None:
        execution = self._executions.get(execution_id)
        if execution is None or artifact_id not in self._artifacts:
            return
        links = self._links[execution_id]
        is_output = type_ in OUTPUTS
        side = links.outputs if is_output else links.inputs
        artifacts = side[key]
        artifacts.append(artifact_id)
        if not is_output:
            consumers = self._consumers[artifact_id]
            consumers.append(execution_id)
            return
        if execution.state != "cached":
            self._producers.setdefault(artifact_id, execution_id)

    def _here(self, uri: str) -> str:
        """The address in the store's present folder: a checkout may have been moved."""
        name = f"/store/{self._store.name}/"
        _, separator, place = uri.partition(name)
        return f"{self._store}/{place}" if separator else uri


def _execution(id_: int, node: str, run: str, state: int | None, created: int) -> Execution:
    *_, node_id = node.split(".")
    started = datetime.fromtimestamp(created / 1000, UTC)
    state_name = STATES.get(state or 0, "not reached")
    return Execution(id=str(id_), node=node_id, run=run, state=state_name, started=started)


@contextlib.contextmanager
def _opened(file: Path) -> Iterator[sqlite3.Connection]:
    if not file.is_file():
        raise RunError(f"{file}: there is no such file, so nothing is known of the model's runs")
    address = f"{file.resolve().as_uri()}?mode=ro"
    try:
        database = sqlite3.connect(address, uri=True, timeout=WAIT_SECONDS)
        with contextlib.closing(database):
            _check_version(database, file)
            yield database
    except sqlite3.OperationalError as error:  # locked, or not readable
        raise RunError(f"{file} cannot be read ({error})") from error
    except sqlite3.DatabaseError as error:
        raise RunError(f"{file} is damaged ({error})") from error


def _check_version(database: sqlite3.Connection, file: Path) -> None:
    tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master")}
    if "MLMDEnv" not in tables:
        raise RunError(f"{file} is damaged (it lacks the table MLMDEnv)")
    [(version,)] = database.execute("SELECT schema_version FROM MLMDEnv").fetchall() or [(0,)]
    if version != SCHEMA:
        raise RunError(
            f"{file} is of ML Metadata's schema {version}, allowed is {SCHEMA}: "
            "a run with this version's packages brings it there"
        )


def folders_of(store: LocalStore, run: str) -> Mapping[str, Folders]:
    """The folders of a run's outputs, by node and key; a cached node's are an older run's."""
    folders: dict[str, Folders] = defaultdict(dict)
    for execution in store.of_run(run):
        for key, artifacts in store.outputs(execution).items():
            for artifact in artifacts[:1]:
                by_key = folders[execution.node]
                by_key[key] = Path(artifact.uri)
    return folders
