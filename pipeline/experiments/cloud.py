"""A stage's runs: those that ended from Vertex AI Experiments, and those that run now.

What has ended is kept in the index and asked for again only where it has changed since; once a day
all of it, since what was deleted tells nobody.
"""

import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pipeline.experiments import index, row
from pipeline.experiments.row import RUNNING, Row
from pipeline.gcp import metadata_store, pipeline_jobs
from pipeline.gcp.metadata_store import quoted
from pipeline.gcp.stage import Stage
from pipeline.tracking import vertex_experiments

WHOLE = timedelta(days=1)  # after which all is asked for again
ACTIVE = ("QUEUED", "PENDING", "RUNNING", "CANCELLING", "PAUSED")
Json = dict[str, Any]


@dataclass
class Answer:
    """What a stage has told: rows by the names of their contexts, and until when."""

    asked: str = ""  # when all was asked for, by this machine's clock
    updated: str = ""  # the latest change of a context, by Google's
    rows: dict[str, Json] = field(default_factory=dict)


def listing(runs: Path, stage: Stage) -> list[Row]:
    """Every run of the stage; raises RunError where it can't be read."""
    answer = _kept(runs, stage)
    now = datetime.now(UTC)
    if not answer.asked or not _is_recent(answer.asked, now):
        answer = Answer(asked=now.isoformat())
    contexts = metadata_store.contexts(stage, _condition(answer.updated))
    for context in contexts:
        read_row = vertex_experiments.decode(context, stage)
        if read_row is not None:
            answer.rows[context["name"]] = asdict(read_row)
    times = [context["updateTime"] for context in contexts]
    answer.updated = max([answer.updated, *times])
    index.keep_answer(runs, stage.name, json.dumps(asdict(answer)))
    ended = [row.decode(document) for document in answer.rows.values()]
    return [*ended, *_active(stage, {each.run for each in ended})]


def _kept(runs: Path, stage: Stage) -> Answer:
    text = index.kept_answer(runs, stage.name)
    try:
        return Answer(**json.loads(text)) if text else Answer()
    except (ValueError, TypeError):
        return Answer()


def _is_recent(asked: str, now: datetime) -> bool:
    """Whether all was asked for within a day; a clock that went back does not count."""
    age = now - datetime.fromisoformat(asked)
    return timedelta(0) <= age < WHOLE


def _condition(updated: str) -> str:
    condition = f"schema_title={quoted(vertex_experiments.RUN_SCHEMA)}"
    return f"{condition} AND update_time>={quoted(updated)}" if updated else condition


def _active(stage: Stage, ended: set[str]) -> list[Row]:
    """The jobs of ours that have not ended."""
    states = " OR ".join(f'state="PIPELINE_STATE_{state}"' for state in ACTIVE)
    condition = f"labels.environment={quoted(stage.name)} AND ({states})"
    rows = []
    for job in pipeline_jobs.matching(stage, condition):
        *_, run = job["name"].split("/")
        if run not in ended:
            rows.append(_row(stage, run, job))
    return rows


def _row(stage: Stage, run: str, job: Json) -> Row:
    labels = job.get("labels", {})
    return Row(
        run=run,
        place=stage.name,
        model=labels.get("model", ""),
        state=RUNNING,
        started=job.get("createTime"),
        commit=labels.get("commit"),
    )
