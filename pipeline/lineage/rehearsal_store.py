"""The rehearsals of a model's compiled jobs as a lineage's store, from each one's tasks.json."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from pipeline.errors import RunError
from pipeline.lineage.graph import Artifact, Artifacts, Execution
from pipeline.lineage.task_graph import TaskGraph


class RehearsalStore:
    """Implements graph.Store over all rehearsals below `root`."""

    def __init__(self, root: Path) -> None:
        self.graph = TaskGraph()
        files = root.glob("rehearsals/*/tasks.json")
        for file in sorted(files):
            _add(self.graph, file)

    def of_run(self, run: str) -> Sequence[Execution]:
        return [task.execution for task in self.graph.run(run)]

    def producer(self, artifact: Artifact) -> Execution | None:
        task = self.graph.maker(artifact)
        return task.execution if task else None

    def consumers(self, artifact: Artifact) -> Sequence[Execution]:
        return [task.execution for task in self.graph.readers(artifact)]

    def inputs(self, execution: Execution) -> Artifacts:
        task = self.graph.task(execution.id)
        return task.inputs if task else {}

    def outputs(self, execution: Execution) -> Artifacts:
        task = self.graph.task(execution.id)
        return task.outputs if task else {}

    def with_property(self, type_: str, name: str, value: str) -> Iterator[Artifact]:
        for artifact in self.graph.artifacts():
            own_value = artifact.properties.get(name)
            if artifact.type == type_ and str(own_value) == value:
                yield artifact


def _add(graph: TaskGraph, file: Path) -> None:
    run = file.parent.name
    try:
        text = file.read_text(encoding="utf-8")
        details = json.loads(text)
        graph.add(run, details, {})
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise RunError(
            f"{file} is damaged ({error!r:.80}): remove the folder {run} and rehearse again"
        ) from error
