"""Writes the reports of a stage's experiments that ended while nobody watched them."""

from pipeline.errors import ConfigurationError, RunError
from pipeline.gcp import artifact_files, jobs_listing
from pipeline.gcp.jobs_listing import Json
from pipeline.gcp.pipeline_jobs import EXPERIMENT
from pipeline.gcp.stage import Stage
from pipeline.local.run_names import SUMMARY
from pipeline.progress import Observer, shown
from pipeline.provenance import stage_bucket


def write_reports(stage: Stage, observer: Observer) -> list[str]:
    """Report each of the stage's newest jobs that is an ended experiment without a summary.

    Returns a sentence for each that can't be reported, which the next call tries again. Raises
    RunError where the jobs or the bucket can't be read.
    """
    with stage.asking("Vertex Pipelines"):
        jobs = list(jobs_listing.newest(stage))
    problems = []
    for job in jobs:
        *_, run = job["name"].split("/")
        if _is_ended_experiment(job) and not _is_reported(stage, job, run):
            from pipeline.submission import watch  # which imports the libraries of training

            try:
                with shown(observer, f"{run} report"):
                    watch.report(stage, run)
            except (RunError, ConfigurationError) as error:
                problems.append(f"{run} is not reported: {error}")
    return problems


def _is_ended_experiment(job: Json) -> bool:
    labels = job.get("labels", {})
    is_ours = EXPERIMENT in labels and "model" in labels
    return is_ours and jobs_listing.state(job) != "running"


def _is_reported(stage: Stage, job: Json, run: str) -> bool:
    name = f"{stage_bucket.folder(job['labels']['model'], run)}/{SUMMARY}"
    return artifact_files.read(stage, f"{stage.names.artifacts_uri}/{name}") is not None
