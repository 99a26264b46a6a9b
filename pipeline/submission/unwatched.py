"""Writes the reports of a stage's experiments that ended while nobody watched them."""

from pipeline.errors import ConfigurationError, RunError
from pipeline.gcp import jobs_listing, reports
from pipeline.gcp.jobs_listing import Json
from pipeline.gcp.pipeline_jobs import EXPERIMENT
from pipeline.gcp.stage import Stage
from pipeline.lineage.vertex_jobs import id_of
from pipeline.local.run_names import SUMMARY
from pipeline.progress import Observer, shown


def write_reports(stage: Stage, observer: Observer) -> list[str]:
    """Report each of the stage's newest jobs that is an ended experiment without a summary.

    Returns a sentence for each that can't be reported, which the next call tries again. Raises
    RunError where the jobs or the bucket can't be read.
    """
    with stage.asking("Vertex Pipelines"):
        jobs = list(jobs_listing.newest(stage))
    runs = [id_of(job["name"]) for job in jobs if _is_ended_experiment(job)]
    if not runs:
        return []
    reported = {file.run for file in reports.files(stage) if file.name == SUMMARY}
    problems = []
    for run in runs:
        if run not in reported:
            from pipeline.submission import watch  # which imports the libraries of training

            try:
                with shown(observer, f"{run} report"):
                    watch.report(stage, run)
            except (RunError, ConfigurationError) as error:
                problems.append(f"{run} is not reported: {error}")
    return problems


def _is_ended_experiment(job: Json) -> bool:
    labels = job.get("labels", {})
    if EXPERIMENT not in labels or "model" not in labels:
        return False
    state = jobs_listing.state(job)
    return state != "running"
