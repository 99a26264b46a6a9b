"""Writes the reports of a stage's experiments that ended while nobody watched them."""

from pipeline.gcp import artifact_files, jobs_listing
from pipeline.gcp.pipeline_jobs import EXPERIMENT
from pipeline.gcp.stage import Stage
from pipeline.local.run_names import SUMMARY
from pipeline.progress import Observer, shown
from pipeline.provenance import stage_bucket


def write_reports(stage: Stage, observer: Observer) -> None:
    """Report each of the stage's newest jobs that is an ended experiment without a summary.

    A report that can't be written is told, and tried again by the next call. Raises RunError where
    the jobs or the bucket can't be read.
    """
    with stage.asking("Vertex Pipelines"):
        jobs = list(jobs_listing.newest(stage))
    for job in jobs:
        labels = job.get("labels", {})
        *_, run = job["name"].split("/")
        if EXPERIMENT not in labels or jobs_listing.state(job) == "running":
            continue
        name = f"{stage_bucket.folder(labels['model'], run)}/{SUMMARY}"
        if artifact_files.read(stage, f"{stage.names.artifacts_uri}/{name}") is None:
            from pipeline.submission import watch  # which imports the libraries of training

            with shown(observer, f"{run} report"):
                watch.report(stage, run)
