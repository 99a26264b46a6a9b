"""The graph of runs that are read as the details of their tasks.

Vertex Pipelines tells a job so, and a rehearsal here leaves the same in its tasks.json:
https://cloud.google.com/vertex-ai/docs/reference/rest/v1/projects.locations.pipelineJobs
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pipeline.lineage.graph import Artifact, Artifacts, Execution, Json
from pipeline.local.task_details import RESOLVER, STATES, node_of

# The API writes {job_id}/{task_id}/{output_key} below a job's gcsOutputDirectory (RuntimeConfig of
# google.cloud.aiplatform_v1.types.pipeline_job); a rehearsal does the same.
OUTPUT = re.compile(r".*/([^/]+)/[^/]+/[^/]+/?")
TITLE = re.compile(r"title: *(?:tfx\.)?(\S+)")
NOT_REACHED = "not reached"


@dataclass(frozen=True)
class Task:
    execution: Execution
    inputs: Artifacts
    outputs: Artifacts


Groups = dict[str, list[Task]]
Parameters = Mapping[str, Json]  # of each task


@dataclass
class TaskGraph:
    """The tasks that were added, run by run."""

    _runs: Groups = field(default_factory=dict)
    _tasks: dict[str, Task] = field(default_factory=dict)  # by the execution's id
    _readers: Groups = field(default_factory=dict)  # by the artifact's id, as the makers
    _makers: Groups = field(default_factory=dict)

    def add(self, run: str, details: Iterable[Json], parameters: Parameters) -> None:
        """Add a run by its tasks' details; `parameters` are each task's constants."""
        tasks = list(_tasks(run, details, parameters))
        self._runs[run] = tasks
        for task in tasks:
            self._tasks[task.execution.id] = task
            for artifact in artifacts_of(task.inputs):
                readers = self._readers.setdefault(artifact.id, [])
                readers.append(task)
            for artifact in artifacts_of(task.outputs):
                makers = self._makers.setdefault(artifact.id, [])
                makers.append(task)

    def task(self, execution: str) -> Task | None:
        return self._tasks.get(execution)

    def maker(self, artifact: Artifact) -> Task | None:
        """The task that made the artifact, not one that took or chose it."""
        for task in self._makers.get(artifact.id, []):
            execution = task.execution
            if execution.state != "cached" and execution.node != RESOLVER:
                return task
        return None

    def readers(self, artifact: Artifact) -> list[Task]:
        return [*self._readers.get(artifact.id, [])]

    def run(self, run: str) -> list[Task]:
        return self._runs.get(run, [])

    def artifacts(self) -> list[Artifact]:
        """All artifacts that a task had or made, each once."""
        artifacts: dict[str, Artifact] = {}
        for task in self._tasks.values():
            artifacts |= {artifact.id: artifact for artifact in artifacts_of(task.inputs)}
            artifacts |= {artifact.id: artifact for artifact in artifacts_of(task.outputs)}
        return list(artifacts.values())


def run_of(artifact: Artifact) -> str | None:
    """The run below whose folder the artifact lies."""
    match = OUTPUT.fullmatch(artifact.uri)
    return match[1] if match else None


def artifact_of(fields: Json) -> Artifact:
    """An artifact in the API's JSON, or in a rehearsal's."""
    metadata = fields.get("metadata", {})
    properties = {name: _plain(value) for name, value in metadata.items()}
    uri = fields.get("uri", "")
    return Artifact(id=fields["name"], type=_type(fields), uri=uri, properties=properties)


def artifacts_of(side: Artifacts) -> Iterator[Artifact]:
    for group in side.values():
        yield from group


def time_of(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _tasks(run: str, details: Iterable[Json], parameters: Parameters) -> Iterator[Task]:
    """The tasks that have begun; the job itself is told as a task, too."""
    for detail in details:
        name = detail["taskName"]
        state = _state(detail)
        if state == NOT_REACHED or name == run:
            continue
        recorded_execution = detail.get("execution", {})
        start = detail.get("startTime")
        execution = Execution(
            id=recorded_execution.get("name") or f"{run}/{name}",
            node=node_of(name),
            run=run,
            state=state,
            started=time_of(start),
            properties=parameters.get(name, {}),
        )
        inputs = _side(detail, "inputs")
        outputs = _side(detail, "outputs")
        yield Task(execution, inputs, outputs)


def _state(detail: Json) -> str:
    state = detail.get("state", "")
    return STATES.get(state, NOT_REACHED)


def _side(detail: Json, side: str) -> Artifacts:
    """The artifacts in the order of their keys: a protobuf map has none."""
    groups = {}
    recorded_groups = detail.get(side, {})
    for key in sorted(recorded_groups):
        group = recorded_groups[key]
        artifacts = group.get("artifacts", [])
        groups[key] = [artifact_of(fields) for fields in artifacts]
    return groups


def _type(fields: Json) -> str:
    """Examples, of schemaTitle tfx.Examples, or of the title in a rehearsal's type."""
    title = str(fields.get("schemaTitle", ""))
    if title:
        return title.removeprefix("tfx.")
    type_ = fields.get("type", {})
    match = TITLE.match(type_.get("instanceSchema", ""))
    return match[1] if match else ""


def _plain(value: Any) -> Any:
    """The value with whole numbers as such: a metadata's Struct holds doubles alone."""
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    is_whole = isinstance(value, float) and value.is_integer()
    return int(value) if is_whole else value
