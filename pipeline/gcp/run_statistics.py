"""The statistics of the rows of a stage's run, which outlive the rows."""

from collections.abc import Iterator
from pathlib import Path

from pipeline.errors import RunError
from pipeline.gcp import artifact_files, pipeline_jobs
from pipeline.gcp.pipeline_jobs import Json
from pipeline.gcp.stage import Stage

NODE = "StatisticsGen"


def fetch(stage: Stage, run: str, place: Path) -> Path:
    """Bring the artifact into a folder below `place`; raises RunError where it is gone."""
    job = pipeline_jobs.read(stage, f"{stage.parent}/pipelineJobs/{run}")
    folder = place / f"{run}.statistics"
    for uri in _addresses(job):
        if artifact_files.fetch(stage, uri, (), folder):
            return folder
    raise RunError(f"the statistics of {run} are gone")


def _addresses(job: Json) -> Iterator[str]:
    for detail in job.get("jobDetail", {}).get("taskDetails", []):
        if detail["taskName"] == NODE:
            outputs = detail.get("outputs", {}).get("statistics", {})
            yield from (artifact["uri"] for artifact in outputs.get("artifacts", []))
