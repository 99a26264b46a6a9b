"""Follows an experiment's run to its end, and has its report written.

Where nobody watched, a later call reports it: all that it takes lies in the stage's bucket.
"""

import json
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pipeline.delivery import run_report
from pipeline.errors import ConfigurationError, RunError
from pipeline.gcp import artifact_files, pipeline_jobs
from pipeline.gcp.pipeline_jobs import EXPERIMENT, Json, Outcome
from pipeline.gcp.stage import Stage
from pipeline.progress import Observer, shown
from pipeline.provenance import stage_bucket
from pipeline.submission import sources
from settings.values import shown as shown_value

# How a run ended; `unknown` where Google could not be asked any more, and the run may go on.
State = Literal["blessed", "not blessed", "failed", "unknown"]


@dataclass(frozen=True)
class Verdict:
    run: str
    model: str
    state: State
    reason: str
    report: str | None = None  # for a browser


def watch(stage: Stage, run: str, observer: Observer) -> Verdict:
    """Show the run's nodes until it has ended, and write its report."""
    job = _experiment(stage, run)
    model = job["labels"]["model"]
    pipeline_job = pipeline_jobs.named(stage, job["name"])
    [(_, outcome)] = pipeline_jobs.wait(stage, {model: pipeline_job}, observer)
    *_, run_id = job["name"].split("/")
    if outcome.error is not None:  # of the run, or of a question that had no answer
        last_outcome = pipeline_jobs.ended(stage, job["name"])
        if last_outcome is None:
            return Verdict(run_id, model, "unknown", outcome.error)
        outcome = last_outcome
    with shown(observer, f"{model} report"):
        address = _report(stage, model, outcome)
    reason = outcome.error or _reason(stage, model, run_id) or "its report tells no more"
    return Verdict(run_id, model, _state(outcome), reason, address)


def report(stage: Stage, run: str) -> str | None:
    """Write the report of an experiment by its id or resource name, and return its address.

    Returns None for one that has not ended, or whose report can't be written, which is told.
    """
    job = _experiment(stage, run)
    outcome = pipeline_jobs.ended(stage, job["name"])
    return _report(stage, job["labels"]["model"], outcome) if outcome else None


def _experiment(stage: Stage, run: str) -> Json:
    """The job of the run; raises ConfigurationError for any other than an experiment's."""
    job = pipeline_jobs.find(stage, run)
    if job is None:
        raise ConfigurationError(
            f"--watch is {shown_value(run)}, allowed is the run of an experiment in {stage.name}: "
            "`submit --experiment` prints it"
        )
    if EXPERIMENT not in job.get("labels", {}):
        raise ConfigurationError(
            f"--watch is {shown_value(run)}, which is a delivery's run: "
            "allowed is the run of an experiment, its delivery tells of the other"
        )
    return job


def _report(stage: Stage, model: str, outcome: Outcome) -> str | None:
    with tempfile.TemporaryDirectory() as place:
        try:
            run_sources = sources.read(stage, model, outcome.run, Path(place))
        except (RunError, ConfigurationError) as problem:  # the verdict stands without a report
            print(f"{model}: the report was not written: {problem}", file=sys.stderr)
            return None
        return run_report.write(stage, model, outcome, run_sources)


def _state(outcome: Outcome) -> State:
    if outcome.error is not None:
        return "failed"
    return "blessed" if outcome.blessed else "not blessed"


def _reason(stage: Stage, model: str, run: str) -> str | None:
    """The decision's sentence in the run's summary."""
    name = f"{stage_bucket.folder(model, run)}/summary.json"
    try:
        content = artifact_files.read(stage, f"{stage.names.artifacts_uri}/{name}")
        return str(json.loads(content)["decision"]["reason"]) if content else None
    except (RunError, ValueError, KeyError, TypeError):  # the verdict is known without it
        return None
