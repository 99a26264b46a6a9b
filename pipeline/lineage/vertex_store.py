"""A stage's Vertex ML Metadata as a lineage's store.

One answer about a job tells a whole run. What other runs have read of it is found by one hop from
an artifact, since all runs that share a schema are of one graph.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from pipeline.gcp import metadata_store
from pipeline.gcp.metadata_store import quoted
from pipeline.gcp.stage import Stage
from pipeline.lineage.graph import Artifact, Artifacts, Execution, Json
from pipeline.lineage.task_graph import artifact_of, artifacts_of
from pipeline.lineage.vertex_hop import INPUT, OUTPUT, Hop, execution_of
from pipeline.lineage.vertex_jobs import Jobs, id_of

ROWS = "Examples"
# The rows themselves must meet a condition, too.
JUDGED = 'schema_title="tfx.Examples" OR schema_title="tfx.Model"'


class VertexStore:
    """Implements graph.Store; each job is read once."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.jobs = Jobs(stage)
        self.graph = self.jobs.graph
        self._asked: set[str] = set()  # the artifacts whose readers in all runs were asked for
        self._hops: dict[str, Hop] = {}  # that have all executions of an artifact
        # of artifacts, in runs whose jobs were deleted
        self._readers: dict[str, list[Execution]] = defaultdict(list)

    def of_run(self, run: str) -> Sequence[Execution]:
        job = self.jobs.read(run)
        tasks = self.graph.run(id_of(run)) if job else []
        return [task.execution for task in tasks]

    def producer(self, artifact: Artifact) -> Execution | None:
        run = self.jobs.read_maker(artifact)
        task = self.graph.maker(artifact)
        if task is not None:
            return task.execution
        hop = self._around(artifact) or Hop(metadata_store.EMPTY)
        makers = hop.executions(artifact.id, OUTPUT)
        return execution_of(makers[0], run) if makers else None

    def consumers(self, artifact: Artifact) -> Sequence[Execution]:
        self.jobs.read_maker(artifact)
        if not self._is_asked(artifact):
            self._asked.add(artifact.id)
            self._read_readers(artifact)
        executions = [task.execution for task in self.graph.readers(artifact)]
        return [*executions, *self._readers[artifact.id]]

    def inputs(self, execution: Execution) -> Artifacts:
        task = self.graph.task(execution.id)
        return task.inputs if task else self._side(execution.id, INPUT)

    def outputs(self, execution: Execution) -> Artifacts:
        task = self.graph.task(execution.id)
        return task.outputs if task else self._side(execution.id, OUTPUT)

    def with_property(self, type_: str, name: str, value: str) -> Iterator[Artifact]:
        title = type_ if "." in type_ else f"tfx.{type_}"
        field = name if name.isidentifier() else quoted(name)
        property_ = f"metadata.{field}.string_value={quoted(value)}"
        condition = f"schema_title={quoted(title)} AND {property_}"
        for fields in metadata_store.artifacts(self.stage, condition):
            yield artifact_of(fields)

    def _is_of_known_runs(self, artifact: Artifact) -> bool:
        """Whether every run that has the artifact was read before.

        A run has another run's artifact by taking its maker from the cache, so that it has what
        its maker read as well (cloud.google.com/vertex-ai/docs/pipelines/configure-caching). A
        blessed model alone goes on to other runs, as their baseline.
        """
        maker = self.graph.maker(artifact)
        if maker is None or self._is_blessed(artifact):
            return False
        sources = artifacts_of(maker.inputs)
        return any(self._is_asked(source) for source in sources)

    def _is_asked(self, artifact: Artifact) -> bool:
        if artifact.id in self._asked:
            return True
        return self._is_of_known_runs(artifact)

    def _is_blessed(self, model: Artifact) -> bool:
        for task in self.graph.readers(model):
            for artifact in artifacts_of(task.outputs):
                is_blessed = artifact.properties.get("blessed") == 1
                if artifact.type == "ModelBlessing" and is_blessed:
                    return True
        return False

    def _read_readers(self, artifact: Artifact) -> None:
        """Read every run that has read the artifact."""
        hop = self._around(artifact)
        if hop is None:
            run = self.jobs.read_maker(artifact)
            return self.jobs.read_since(run) if run else None
        for fields in hop.executions(artifact.id, INPUT):
            name = fields["name"]
            if self.graph.task(name) is None:
                self._read_run_of(fields, artifact)
        return None

    def _read_run_of(self, fields: Json, artifact: Artifact) -> None:
        """Read the run of a reader of the artifact, which is known by where its outputs lie."""
        name = fields["name"]
        outputs = self._side(name, OUTPUT)
        runs = [self.jobs.read_maker(output) for output in artifacts_of(outputs)]
        if self.graph.task(name) is None:
            [run, *_] = [*runs, None]
            execution = execution_of(fields, run)
            readers = self._readers[artifact.id]
            readers.append(execution)

    def _around(self, artifact: Artifact) -> Hop | None:
        """The artifact's executions; None where there are more than Vertex answers.

        Three hops from rows lead to the models that were judged by them and to all their
        executions, which need not be asked for again.
        """
        if artifact.id in self._hops:
            return self._hops[artifact.id]
        if artifact.type == ROWS:
            answer = metadata_store.around(self.stage, artifact.id, hops=3, condition=JUDGED)
            if answer is not None:
                hop = Hop(answer)
                names = hop.beside(artifact.id)
                self._hops |= dict.fromkeys(names, hop)
                return hop
        answer = metadata_store.around(self.stage, artifact.id)
        return None if answer is None else Hop(answer)

    def _side(self, execution: str, direction: str) -> Artifacts:
        hop = Hop(metadata_store.inputs_and_outputs(self.stage, execution))
        return hop.side(direction)
