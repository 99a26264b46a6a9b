"""One run, node by node: the one source of the run's summary and report.

`from_metadata` reads a local metadata store, job_metadata a job of Vertex Pipelines.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tensorflow as tf
from ml_metadata.metadata_store import metadata_store
from ml_metadata.proto import metadata_store_pb2
from tfx.types import Artifact, artifact_utils

from pipeline.errors import RunError

ENDED = {"COMPLETE": "ran", "CACHED": "cached", "FAILED": "failed", "RUNNING": "interrupted"}
Artifacts = dict[str, list[Artifact]]
# An artifact and patterns of the files that its reader wants -> the artifact with its files on this
# machine, None where it has none of them.
Files = Callable[[Artifact, tuple[str, ...]], Artifact | None]


@dataclass
class Node:
    id: str
    upstream: list[str]
    state: str = "not reached"  # or ran, cached, failed, interrupted
    started: float = 0.0  # seconds since the epoch
    seconds: float = 0.0
    inputs: Artifacts = field(default_factory=dict)
    outputs: Artifacts = field(default_factory=dict)


def _here(artifact: Artifact, _: tuple[str, ...]) -> Artifact | None:
    """The artifact of a run on this machine."""
    return artifact if tf.io.gfile.exists(artifact.uri) else None


@dataclass
class RunMetadata:
    """A run of the pipeline.

    `artifact` finds a node's output, `files` the same output with its files on this machine.
    """

    id: str
    nodes: list[Node]  # in the order they run
    error: str | None = None
    files_of: Files = _here

    def node(self, id_: str) -> Node | None:
        for node in self.nodes:
            if node.id == id_:
                return node
        return None

    def artifact(self, node: str, key: str) -> Artifact | None:
        run_node = self.node(node)
        if run_node is None:
            return None
        artifacts = run_node.outputs.get(key, [])
        return next(iter(artifacts), None)

    def files(self, node: str, key: str, *patterns: str) -> Artifact | None:
        """A node's output with its files on this machine, None without files.

        `patterns` name those that are read, by their paths below the artifact; none means all.
        """
        artifact = self.artifact(node, key)
        return self.files_of(artifact, patterns) if artifact else None


def from_metadata(
    database: Path, run_id: str, upstream: dict[str, list[str]], error: str | None = None
) -> RunMetadata:
    """The run `run_id` of a local metadata store.

    `upstream` is the pipeline's graph in order: node -> nodes it waits for.
    """
    nodes = {id_: Node(id_, upstream_ids) for id_, upstream_ids in upstream.items()}
    if database.exists():
        store = _open(database)
        context = store.get_context_by_type_and_name("pipeline_run", run_id)
        types = {type_.id: type_ for type_ in store.get_artifact_types()}
        executions = store.get_executions_by_context(context.id) if context else []
        for execution in executions:
            _fill(nodes, store, execution, types)
    return RunMetadata(run_id, list(nodes.values()), error)


def _open(database: Path) -> metadata_store.MetadataStore:
    config = metadata_store_pb2.ConnectionConfig()
    config.sqlite.filename_uri = str(database)
    config.sqlite.connection_mode = metadata_store_pb2.SqliteMetadataSourceConfig.READWRITE
    try:
        return metadata_store.MetadataStore(config)
    except RuntimeError as error:  # what its C++ code raises
        words = " ".join(str(error).split())
        raise RunError(f"{database}: cannot be opened ({words[:160]})") from error


def _fill(
    nodes: dict[str, Node],
    store: metadata_store.MetadataStore,
    execution: Any,
    types: dict[int, Any],
) -> None:
    contexts = store.get_contexts_by_execution(execution.id)
    node = _node(nodes, contexts)
    if node is None:
        return
    state = metadata_store_pb2.Execution.State.Name(execution.last_known_state)
    start = execution.create_time_since_epoch
    end = execution.last_update_time_since_epoch
    node.state = ENDED.get(state, state.lower())
    node.started = start / 1000
    if node.state != "interrupted":  # no one wrote down when it ended
        node.seconds = (end - start) / 1000
    events = store.get_events_by_execution_ids([execution.id])
    protos = store.get_artifacts_by_id([event.artifact_id for event in events])
    protos_by_id = {proto.id: proto for proto in protos}
    for event in events:
        proto = protos_by_id[event.artifact_id]
        artifact = artifact_utils.deserialize_artifact(types[proto.type_id], proto)
        _add(node, event, artifact)


def _node(nodes: dict[str, Node], contexts: list[Any]) -> Node | None:
    """The node that an execution with these contexts belongs to."""
    for context in contexts:
        for id_, node in nodes.items():
            if context.type == "node" and context.name.endswith(f".{id_}"):
                return node
    return None


def _add(node: Node, event: Any, artifact: Artifact) -> None:
    input_types = (event.INPUT, event.DECLARED_INPUT, event.INTERNAL_INPUT)
    side = node.inputs if event.type in input_types else node.outputs
    key = event.path.steps[0].key
    side.setdefault(key, []).append(artifact)
