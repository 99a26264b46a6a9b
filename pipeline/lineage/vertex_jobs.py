"""The jobs of a stage's Vertex Pipelines that a lineage has read, each by one answer."""

from pipeline.gcp import pipeline_jobs
from pipeline.gcp.metadata_store import quoted
from pipeline.gcp.stage import Stage
from pipeline.lineage.graph import Artifact, Json
from pipeline.lineage.task_graph import TaskGraph, run_of
from settings.artifacts import RUNS


class Jobs:
    """`graph` holds the tasks of all jobs that were read."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.graph = TaskGraph()
        self._jobs: dict[str, Json | None] = {}

    def read(self, run: str) -> Json | None:
        """The job by its id or resource name, asked for once; None where there is none."""
        id_ = pipeline_jobs.id_in(self.stage, run)
        if id_ is None:
            return None
        if id_ not in self._jobs:
            job = pipeline_jobs.find(self.stage, id_)
            self._jobs[id_] = job
            if job is not None:
                detail = job.get("jobDetail", {})
                task_details = detail.get("taskDetails", [])
                self.graph.add(id_, task_details, _parameters(job))
        return self._jobs[id_]

    def read_maker(self, artifact: Artifact) -> str | None:
        """Read the job that made the artifact by its address, and return its id.

        What was imported lies elsewhere.
        """
        root = f"{self.stage.names.artifacts_uri}/{RUNS}"
        run = run_of(artifact) if artifact.uri.startswith(root) else None
        if run is not None:
            self.read(run)
        return run

    def read_since(self, run: str) -> None:
        """Read all jobs of the run's pipeline since it was made."""
        job = self.read(run)
        if job is None:
            return
        pipeline = job["pipelineSpec"]["pipelineInfo"]["name"]
        creation = job["createTime"]
        condition = f"pipeline_name={quoted(pipeline)} AND create_time>={quoted(creation)}"
        for later_job in pipeline_jobs.matching(self.stage, condition):
            self.read(id_of(later_job["name"]))


def id_of(run: str) -> str:
    *_, id_ = run.split("/")
    return id_


def _parameters(job: Json) -> dict[str, Json]:
    """The constants of each task's parameters."""
    root = job["pipelineSpec"]["root"]
    tasks = root["dag"]["tasks"]
    return {name: _constants(task) for name, task in tasks.items()}


def _constants(task: Json) -> Json:
    inputs = task.get("inputs", {})
    constants = {}
    for name, parameter in inputs.get("parameters", {}).items():
        value = parameter.get("runtimeValue", {})
        constants[name] = value.get("constant")
    return constants
