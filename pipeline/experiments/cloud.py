"""The runs of stages in the cloud, beside those of this machine.

Vertex Experiments tells the runs that were tracked, in pages of 1,000, and after the first time
those alone that changed. The jobs tell what runs now, and which of the newest were not tracked.
"""

import time
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pipeline.errors import RunError
from pipeline.experiments import cloud_index
from pipeline.experiments.cloud_index import Copy, Entry
from pipeline.experiments.index import Listing
from pipeline.experiments.row import RUNNING, Row
from pipeline.gcp import contexts, jobs_listing
from pipeline.gcp.metadata_store import quoted
from pipeline.gcp.stage import Stage
from pipeline.tracking import experiment_run, vertex_experiments

Json = dict[str, Any]
# Vertex may show a change later than one with a later time.
OVERLAP = timedelta(minutes=5)
# A change is told and a deletion is not: that often everything is asked for.
WHOLE_SECONDS = 24 * 60 * 60


def listing(runs: Path, stages: Iterable[Stage]) -> Listing:
    """The stages' runs, and a sentence for each stage and run that is left out."""
    rows: list[Row] = []
    problems: list[str] = []
    for stage in stages:
        try:
            of_stage = _of_stage(runs, stage)
        except RunError as error:
            problems.append(f"the runs of {stage.name} are left out: {error}")
            continue
        rows += of_stage.rows
        problems += of_stage.problems
    return Listing(rows, problems)


def _of_stage(runs: Path, stage: Stage) -> Listing:
    with stage.asking(f"{vertex_experiments.SUBJECT} of {stage.name}"):
        entries = _entries(runs, stage)
        jobs = list(jobs_listing.newest(stage))
    tracked_rows = [entry.row for entry in entries.values() if entry.row]
    tracked_runs = {each.run for each in tracked_rows}
    untracked_rows = [each for each in _of_jobs(stage, jobs) if each.run not in tracked_runs]
    problems = [
        f"{name} is left out, it is no run of ours"
        for name, entry in entries.items()
        if entry.row is None
    ]
    return Listing([*tracked_rows, *untracked_rows], problems)


def _entries(runs: Path, stage: Stage) -> dict[str, Entry]:
    """The stage's entries by their contexts' names, after a question for what has changed."""
    place = f"{stage.settings.project_number} {stage.settings.region} {stage.name}"
    copy = cloud_index.read(runs, place)
    now = time.time()
    if copy is None or not copy.entries or not 0 <= now - copy.read_at < WHOLE_SECONDS:
        copy = Copy(now, _asked(stage, ""))
        cloud_index.replace(runs, place, copy)
        return copy.entries
    newest = max(datetime.fromisoformat(entry.updated) for entry in copy.entries.values())
    answers = _asked(stage, f' AND update_time>"{(newest - OVERLAP).isoformat()}"')
    changed = {name: each for name, each in answers.items() if copy.entries.get(name) != each}
    if changed:
        cloud_index.update(runs, place, changed)
    return copy.entries | changed


def _asked(stage: Stage, condition: str) -> dict[str, Entry]:
    of_stage = vertex_experiments.of_stage(stage)
    runs = f"schema_title={quoted(contexts.RUN)} AND {of_stage}{condition}"
    answers = contexts.matching(stage, runs)
    return {context["name"]: Entry(context["updateTime"], _row(context)) for context in answers}


def _row(context: Json) -> Row | None:
    """The context's row, None for one that somebody else has made."""
    try:
        return experiment_run.row(context)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def _of_jobs(stage: Stage, jobs: list[Json]) -> Iterator[Row]:
    for job in jobs:
        labels = job.get("labels", {})
        state = jobs_listing.state(job)
        reason = f"not tracked, `runs sync --env {stage.name}` sends it if it left a report"
        started = datetime.fromisoformat(job["createTime"])
        yield Row(
            run=job["name"].split("/")[-1],
            place=stage.name,
            model=labels.get("model", ""),
            state=state,
            started=started.isoformat(timespec="seconds"),
            decision="" if state == RUNNING else reason,
            commit=labels.get("commit"),
        )
