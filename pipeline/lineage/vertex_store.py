"""A stage's Vertex ML Metadata as a lineage's store.

One answer about a job tells a whole run. What other runs have read of it, or made for it, is found
by one hop from an artifact, since runs that share a schema are all of one graph.
"""

from collections.abc import Iterator, Sequence

from pipeline.gcp import metadata_store, pipeline_jobs
from pipeline.gcp.metadata_store import quoted
from pipeline.gcp.stage import Stage
from pipeline.lineage.graph import Artifact, Artifacts, Execution, Json
from pipeline.lineage.task_graph import TaskGraph, artifact_of, run_of, time_of
from settings.artifacts import RUNS

STATES = {"COMPLETE": "ran", "CACHED": "cached", "FAILED": "failed"}  # else interrupted
RESOLVER = "system.ResolverExecution"
PROPERTY = "metadata.{}.string_value"


class VertexStore:
    """Implements graph.Store; each run is read once."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.graph = TaskGraph()
        self.jobs: dict[str, Json | None] = {}  # by the run; None for one that is gone
        self._known_readers: dict[str, list[Execution]] = {}  # beyond the runs that were read
        self._asked: set[str] = set()  # the artifacts whose readers in all runs were asked for

    def of_run(self, run: str) -> Sequence[Execution]:
        self.job(run)
        return [task.execution for task in self.graph.run(_id(run))]

    def job(self, run: str) -> Json | None:
        """The job of the run by its id or resource name, read once; None where there is none."""
        id_ = _id(run)
        if id_ not in self.jobs:
            job = pipeline_jobs.find(self.stage, id_)
            self.jobs[id_] = job
            if job is not None:
                details = job.get("jobDetail", {}).get("taskDetails", [])
                self.graph.add(id_, details, _parameters(job))
        return self.jobs[id_]

    def producer(self, artifact: Artifact) -> Execution | None:
        if run := self._run_of(artifact):
            self.job(run)
        if task := self.graph.maker(artifact):
            return task.execution
        return self._producer_without_job(artifact)

    def consumers(self, artifact: Artifact) -> Sequence[Execution]:
        if run := self._run_of(artifact):
            self.job(run)
        if artifact.id not in self._asked and not self._is_read_by_known_runs(artifact):
            self._asked.add(artifact.id)
            self._ask_for_readers(artifact)
        executions = [task.execution for task in self.graph.readers(artifact)]
        return [*executions, *self._known_readers.get(artifact.id, [])]

    def inputs(self, execution: Execution) -> Artifacts:
        if task := self.graph.task(execution.id):
            return task.inputs
        return self._side(execution, "INPUT")

    def outputs(self, execution: Execution) -> Artifacts:
        if task := self.graph.task(execution.id):
            return task.outputs
        return self._side(execution, "OUTPUT")

    def with_property(self, type_: str, name: str, value: str) -> Iterator[Artifact]:
        field = name if name.isidentifier() else quoted(name)
        title = type_ if "." in type_ else f"tfx.{type_}"
        conditions = (
            f"schema_title={quoted(title)}",
            f"{PROPERTY.format(field)}={quoted(value)}",
        )
        for fields in metadata_store.artifacts(self.stage, " AND ".join(conditions)):
            yield artifact_of(fields)

    def _run_of(self, artifact: Artifact) -> str | None:
        """The run that made the artifact by its address; what was imported lies elsewhere."""
        runs = f"{self.stage.names.artifacts_uri}/{RUNS}"
        return run_of(artifact) if artifact.uri.startswith(runs) else None

    def _is_read_by_known_runs(self, artifact: Artifact) -> bool:
        """Whether every run that has the artifact was read before.

        A run has another run's artifact by taking its maker from the cache, so that it has what
        its maker read as well (cloud.google.com/vertex-ai/docs/pipelines/configure-caching). A
        blessed model alone goes on to other runs, as their baseline.
        """
        maker = self.graph.maker(artifact)
        if maker is None or self._is_blessed(artifact):
            return False
        made_inputs = [each for each in _artifacts(maker.inputs) if self._run_of(each)]
        return any(
            each.id in self._asked or self._is_read_by_known_runs(each) for each in made_inputs
        )

    def _is_blessed(self, model: Artifact) -> bool:
        for task in self.graph.readers(model):
            for artifact in _artifacts(task.outputs):
                blessed = artifact.properties.get("blessed") == 1
                if artifact.type == "ModelBlessing" and blessed:
                    return True
        return False

    def _ask_for_readers(self, artifact: Artifact) -> None:
        """Read every run that has read the artifact."""
        answer = metadata_store.neighbours(self.stage, artifact.id)
        if answer is None:
            return self._read_later_runs(artifact)
        readers = {event["execution"] for event in answer["events"] if event["type"] == "INPUT"}
        for fields in answer["executions"]:
            is_reader = fields["name"] in readers and _is_own_work(fields)
            if is_reader and not self.graph.task(fields["name"]):
                self._read_run_of(fields, artifact)
        return None

    def _read_run_of(self, fields: Json, artifact: Artifact) -> None:
        """Read the run of the execution, which is known by where its outputs lie."""
        answer = metadata_store.inputs_and_outputs(self.stage, fields["name"])
        outputs = [artifact_of(each) for each in answer["artifacts"]]
        made = {event["artifact"] for event in answer["events"] if event["type"] == "OUTPUT"}
        runs = {self._run_of(each) for each in outputs if each.id in made}
        for run in runs - {None}:
            self.job(f"{run}")
        if not self.graph.task(fields["name"]):
            execution = _execution(fields, next(iter(runs - {None}), None))
            self._known_readers.setdefault(artifact.id, []).append(execution)

    def _read_later_runs(self, artifact: Artifact) -> None:
        """Read all runs of the artifact's pipeline since it was made."""
        run = self._run_of(artifact)
        job = self.job(run) if run else None
        if job is None:
            return
        pipeline = job["pipelineSpec"]["pipelineInfo"]["name"]
        conditions = (
            f"pipeline_name={quoted(pipeline)}",
            f"create_time>={quoted(job['createTime'])}",
        )
        for later_job in pipeline_jobs.matching(self.stage, " AND ".join(conditions)):
            self.job(later_job["name"])

    def _producer_without_job(self, artifact: Artifact) -> Execution | None:
        """The producer as the metadata alone tell it: its job was deleted, or it has none."""
        answer = metadata_store.neighbours(self.stage, artifact.id) or metadata_store.EMPTY
        makers = {event["execution"] for event in answer["events"] if event["type"] == "OUTPUT"}
        for fields in sorted(answer["executions"], key=lambda fields: str(fields["createTime"])):
            if fields["name"] in makers and _is_own_work(fields):
                return _execution(fields, self._run_of(artifact))
        return None

    def _side(self, execution: Execution, type_: str) -> Artifacts:
        answer = metadata_store.inputs_and_outputs(self.stage, execution.id)
        artifacts = {fields["name"]: artifact_of(fields) for fields in answer["artifacts"]}
        side: dict[str, list[Artifact]] = {}
        for event in answer["events"]:
            if event["type"] == type_:
                key = event.get("labels", {}).get("name", "")
                side.setdefault(key, []).append(artifacts[event["artifact"]])
        return side


def _id(run: str) -> str:
    return run.rsplit("/", 1)[-1]


def _artifacts(side: Artifacts) -> Iterator[Artifact]:
    for group in side.values():
        yield from group


def _is_own_work(execution: Json) -> bool:
    """Whether the execution did something.

    A cached one's outputs lie in an older run, so that they do not tell its own run; a resolver
    has chosen what others made.
    """
    is_cached = execution["state"] == "CACHED"
    is_resolver = execution["schemaTitle"] == RESOLVER
    return not is_cached and not is_resolver


def _execution(fields: Json, run: str | None) -> Execution:
    return Execution(
        id=fields["name"],
        node=fields.get("displayName", ""),
        run=run or "",
        state=STATES.get(fields["state"], "interrupted"),
        started=time_of(fields.get("createTime")),
        properties=fields.get("metadata", {}),
    )


def _parameters(job: Json) -> dict[str, Json]:
    """The constants of each task's parameters."""
    tasks = job["pipelineSpec"]["root"]["dag"]["tasks"]
    parameters = {}
    for name, task in tasks.items():
        values = task.get("inputs", {}).get("parameters", {})
        parameters[name] = {key: _constant(value) for key, value in values.items()}
    return parameters


def _constant(parameter: Json) -> object:
    return parameter.get("runtimeValue", {}).get("constant")
