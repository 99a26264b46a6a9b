"""The runs of stages in the cloud, beside those of this machine.

Vertex Experiments tells the runs that were tracked, in pages of 1,000, and after the first time
those alone that changed. The jobs tell what runs now, and which of the newest were not tracked.
"""

import time
from collections.abc import Iterable
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
Entries = dict[str, Entry]  # by the contexts' names
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
    rows = []
    problems = []
    for name, entry in entries.items():
        if entry.row is None:
            problems.append(f"{name} is left out, it is no run of ours")
        else:
            rows.append(entry.row)
    tracked_runs = {each.run for each in rows}
    job_rows = [_of_job(stage, job) for job in jobs]
    rows += [each for each in job_rows if each.run not in tracked_runs]
    return Listing(rows, problems)


def _entries(runs: Path, stage: Stage) -> Entries:
    """The stage's entries by their contexts' names, after a question for what has changed."""
    place = f"{stage.settings.project_number} {stage.settings.region} {stage.name}"
    copy = cloud_index.read(runs, place)
    now = time.time()
    if copy is None or not _is_current(copy, now):
        entries = _asked(stage, "")
        cloud_index.replace(runs, place, Copy(now, entries))
        return entries
    begin = _newest(copy.entries) - OVERLAP
    answers = _asked(stage, f' AND update_time>"{begin.isoformat()}"')
    changed = {name: each for name, each in answers.items() if copy.entries.get(name) != each}
    if changed:
        cloud_index.update(runs, place, changed)
    return copy.entries | changed


def _is_current(copy: Copy, now: float) -> bool:
    """Whether asking for changes is enough; a clock that went back tells no age."""
    age = now - copy.read_at
    return bool(copy.entries) and 0 <= age < WHOLE_SECONDS


def _newest(entries: Entries) -> datetime:
    times = [datetime.fromisoformat(entry.updated) for entry in entries.values()]
    return max(times)


def _asked(stage: Stage, condition: str) -> Entries:
    of_stage = vertex_experiments.of_stage(stage)
    runs = f"schema_title={quoted(contexts.RUN)} AND {of_stage}{condition}"
    entries: Entries = {}
    for context in contexts.matching(stage, runs):
        name, updated = context["name"], context["updateTime"]
        entries[name] = Entry(updated, _row(context))
    return entries


def _row(context: Json) -> Row | None:
    """The context's row, None for one that somebody else has made."""
    try:
        return experiment_run.row(context)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def _of_job(stage: Stage, job: Json) -> Row:
    *_, run = job["name"].split("/")
    labels = job.get("labels", {})
    model = labels.get("model", "")
    commit = labels.get("commit")
    state = jobs_listing.state(job)
    reason = f"not tracked, `runs sync --env {stage.name}` sends it if it left a report"
    decision = "" if state == RUNNING else reason
    time = datetime.fromisoformat(job["createTime"])
    started = time.isoformat(timespec="seconds")
    return Row(
        run=run,
        place=stage.name,
        model=model,
        state=state,
        started=started,
        decision=decision,
        commit=commit,
    )
