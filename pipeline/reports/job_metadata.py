"""One run on Vertex Pipelines, node by node, as its job tells it.

The job is a PipelineJob in the API's JSON: its compiled spec is the graph, its tasks' details are
what became of the nodes.
"""

from datetime import datetime
from graphlib import TopologicalSorter
from typing import Any

from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2
from tfx.orchestration.kubeflow.v2.container import kubeflow_v2_entrypoint_utils

from pipeline.job import tfx_patches
from pipeline.local.task_details import STATES, node_of
from pipeline.reports.run_metadata import Artifacts, Files, Node, RunMetadata

Json = dict[str, Any]
SEVERITY = list(dict.fromkeys(STATES.values()))


def from_job(job: Json, files_of: Files, error: str | None = None) -> RunMetadata:
    """The run of the job; `files_of` brings an artifact's files to this machine."""
    tfx_patches.name_artifact_types()
    spec = job["pipelineSpec"]
    tasks = spec["root"]["dag"]["tasks"]
    nodes = _nodes(tasks)
    job_detail = job.get("jobDetail", {})
    for detail in job_detail.get("taskDetails", []):
        name = detail["taskName"]
        if name in tasks:  # the job itself is told as a task, too
            component_name = tasks[name]["componentRef"]["name"]
            component = spec["components"][component_name]
            node = nodes[node_of(name)]
            _fill(node, detail, component)
    *_, run_id = job["name"].split("/")
    return RunMetadata(run_id, list(nodes.values()), error, files_of)


def _nodes(tasks: Json) -> dict[str, Node]:
    """The job's graph, in an order that the nodes may run in."""
    upstream: dict[str, set[str]] = {}
    for name, task in sorted(tasks.items()):
        id_ = node_of(name)
        producers = {node_of(producer) for producer in _producers(task)}
        sources = upstream.setdefault(id_, set())
        sources |= producers - {id_}
    order = TopologicalSorter(upstream).static_order()
    return {id_: Node(id_, sorted(upstream[id_])) for id_ in order}


def _producers(task: Json) -> set[str]:
    """The tasks that a task waits for."""
    inputs = task.get("inputs", {})
    artifacts = inputs.get("artifacts", {})
    origins = [artifact["taskOutputArtifact"] for artifact in artifacts.values()]
    producers = {origin["producerTask"] for origin in origins}
    return producers.union(task.get("dependentTasks", []))


def _fill(node: Node, detail: Json, component: Json) -> None:
    """Add to the node what became of its task, or of one of its two."""
    state = _state(detail)
    start = _seconds(detail, "startTime")
    end = _seconds(detail, "endTime")
    if node.started:
        state = max(state, node.state, key=SEVERITY.index)
        end = max(end, node.started + node.seconds)
        start = min(start, node.started)
    node.state, node.started = state, start
    if end and state != "interrupted":
        node.seconds = end - start
    node.inputs |= _artifacts(detail, component, "input")
    if state in ("ran", "cached"):
        node.outputs |= _artifacts(detail, component, "output")


def _state(detail: Json) -> str:
    state = detail.get("state", "")
    return STATES.get(state, "not reached")


def _seconds(detail: Json, key: str) -> float:
    """Since the epoch; 0 for a time that the job does not tell."""
    text = detail.get(key)
    if not text:
        return 0.0
    time = datetime.fromisoformat(text)
    return time.timestamp()


def _artifacts(detail: Json, component: Json, side: str) -> Artifacts:
    """The task's artifacts of a side, `input` or `output`, as TFX's.

    Their types are in the component's definition. TFX knows its custom properties among the
    metadata again.
    """
    all_definitions = component.get(f"{side}Definitions", {})
    definitions = all_definitions.get("artifacts", {})
    lists = {}
    for key, group in detail.get(f"{side}s", {}).items():
        if key in definitions:
            type_ = definitions[key]["artifactType"]
            artifacts = group.get("artifacts", [])
            runtime_artifacts = [_runtime_artifact(artifact, type_) for artifact in artifacts]
            content = {"artifacts": runtime_artifacts}
            lists[key] = json_format.ParseDict(content, pipeline_spec_pb2.ArtifactList())
    parsed: Artifacts = kubeflow_v2_entrypoint_utils.parse_raw_artifact_dict(lists)
    return parsed


def _runtime_artifact(artifact: Json, type_: Json) -> Json:
    fields: Json = {key: artifact[key] for key in ("name", "uri", "metadata") if key in artifact}
    return {**fields, "type": type_}
