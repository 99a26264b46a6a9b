"""The graph of runs that are read as the details of their tasks.

Vertex Pipelines tells a job so, and a rehearsal here leaves the same in its tasks.json:
https://cloud.google.com/vertex-ai/docs/reference/rest/v1/projects.locations.pipelineJobs
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pipeline.lineage.graph import Artifact, Artifacts, Execution, Json
from pipeline.local.task_details import RESOLVER, STATES, node_of

# The API writes {job_id}/{task_id}/{output_key} below a job's gcsOutputDirectory (RuntimeConfig of
# google.cloud.aiplatform_v1.types.pipeline_job); a rehearsal does the same.
OUTPUT = re.compile(r".*/([^/]+)/[^/]+/[^/]+/?")
TITLE = re.compile(r"title: *(?:tfx\.)?(\S+)")


@dataclass(frozen=True)
class Task:
    execution: Execution
    inputs: Artifacts
    outputs: Artifacts


@dataclass
class TaskGraph:
    """The tasks that were added, run by run."""

    _runs: dict[str, list[Task]] = field(default_factory=dict)
    _tasks: dict[str, Task] = field(default_factory=dict)  # by the execution's id
    _readers: dict[str, list[Task]] = field(default_factory=lambda: defaultdict(list))
    _makers: dict[str, list[Task]] = field(default_factory=lambda: defaultdict(list))

    def add(self, run: str, details: Iterable[Json], parameters: Mapping[str, Json]) -> None:
        """Add a run by its tasks' details; `parameters` are each task's constants."""
        tasks = list(_tasks(run, details, parameters))
        self._runs[run] = tasks
        for task in tasks:
            self._tasks[task.execution.id] = task
            for artifact in _artifacts(task.inputs):
                self._readers[artifact.id].append(task)
            for artifact in _artifacts(task.outputs):
                self._makers[artifact.id].append(task)

    def __contains__(self, run: str) -> bool:
        return run in self._runs

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
        return list(self._readers.get(artifact.id, []))

    def run(self, run: str) -> list[Task]:
        return self._runs.get(run, [])

    def artifacts(self) -> Iterator[Artifact]:
        """All artifacts that a task had or made, each once."""
        distinct: dict[str, Artifact] = {}
        for task in self._tasks.values():
            for artifact in (*_artifacts(task.inputs), *_artifacts(task.outputs)):
                distinct[artifact.id] = artifact
        yield from distinct.values()


def run_of(artifact: Artifact) -> str | None:
    """The run below whose folder the artifact lies."""
    match = OUTPUT.fullmatch(artifact.uri)
    return match[1] if match else None


def artifact_of(fields: Json) -> Artifact:
    """An artifact in the API's JSON, or in a rehearsal's."""
    metadata = fields.get("metadata", {})
    return Artifact(
        id=fields["name"],
        type=_type(fields),
        uri=fields.get("uri", ""),
        properties={name: _number(value) for name, value in metadata.items()},
    )


def time_of(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _tasks(run: str, details: Iterable[Json], parameters: Mapping[str, Json]) -> Iterator[Task]:
    """The tasks that have begun; the job itself is told as a task, too."""
    for detail in details:
        name = detail["taskName"]
        state = STATES.get(detail.get("state", ""), "not reached")
        if state != "not reached" and name != run:
            execution = Execution(
                id=detail.get("execution", {}).get("name") or f"{run}/{name}",
                node=node_of(name),
                run=run,
                state=state,
                started=time_of(detail.get("startTime")),
                properties=parameters.get(name, {}),
            )
            yield Task(execution, _side(detail, "inputs"), _side(detail, "outputs"))


def _side(detail: Json, side: str) -> dict[str, Sequence[Artifact]]:
    groups: dict[str, Sequence[Artifact]] = {}
    for key, group in detail.get(side, {}).items():
        groups[key] = [artifact_of(fields) for fields in group.get("artifacts", [])]
    return groups


def _artifacts(side: Artifacts) -> Iterator[Artifact]:
    for group in side.values():
        yield from group


def _type(fields: Json) -> str:
    """Examples, of schemaTitle tfx.Examples, or of the title in a rehearsal's type."""
    if title := fields.get("schemaTitle"):
        return str(title).removeprefix("tfx.")
    match = TITLE.match(fields.get("type", {}).get("instanceSchema", ""))
    return match[1] if match else ""


def _number(value: Any) -> Any:
    """The value with whole numbers as such: a metadata's Struct holds doubles alone."""
    if isinstance(value, dict):
        return {name: _number(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_number(part) for part in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
