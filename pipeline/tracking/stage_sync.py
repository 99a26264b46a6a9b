"""Sends a stage's runs that Vertex Experiments lacks: those whose report is in the bucket."""

import json
from collections.abc import Iterator

from pipeline.errors import ConfigurationError, RunError, UnreachableError
from pipeline.gcp import metadata_store
from pipeline.gcp.clients import patiently
from pipeline.gcp.metadata_store import quoted
from pipeline.gcp.protocols import Blob
from pipeline.gcp.stage import Stage
from pipeline.local.run_names import SUMMARY
from pipeline.progress import Observer, shown
from pipeline.tracking import vertex_experiments
from pipeline.tracking.sync import Outcome, Waiting
from settings.artifacts import REPORTS

SECONDS = 60.0  # for a request


def send_waiting(stage: Stage, observer: Observer) -> Outcome:
    """Send every run that waits; after one that can't be sent now, no other is tried.

    Raises ConfigurationError for a stage without a tracker, RunError for one that can't be read.
    """
    if stage.settings.tracker != vertex_experiments.NAME:
        raise ConfigurationError(
            f"--env is {stage.name}, whose tracker is {stage.settings.tracker!r}: "
            f"allowed is a stage whose tracker is {vertex_experiments.NAME!r}"
        )
    outcome = Outcome()
    reason = None
    for run, blob in _reported(stage, _whole(stage)):
        if reason is None:
            try:
                with shown(observer, run):
                    _send(stage, blob)
                outcome.sent.append(run)
                continue
            except UnreachableError as error:
                reason = str(error)
            except RunError as error:
                outcome.waiting.append(Waiting(run, vertex_experiments.NAME, str(error)))
                continue
        outcome.waiting.append(Waiting(run, vertex_experiments.NAME, reason))
    return outcome


def _whole(stage: Stage) -> set[str]:
    """The runs that are there and have the edge that comes last."""
    condition = f"schema_title={quoted(vertex_experiments.RUN_SCHEMA)}"
    contexts = metadata_store.contexts(stage, condition)
    return {context["displayName"] for context in contexts if context.get("parentContexts")}


def _reported(stage: Stage, whole: set[str]) -> Iterator[tuple[str, Blob]]:
    """The runs with a summary that are not among `whole`."""
    with stage.asking_bucket():
        blobs = patiently(lambda: list(stage.artifacts.list_blobs(prefix=REPORTS)))
    for blob in blobs:
        *_, run, file = blob.name.split("/")
        if file == SUMMARY and run not in whole:
            yield run, blob


def _send(stage: Stage, blob: Blob) -> None:
    with stage.asking_bucket():
        text = patiently(blob.download_as_bytes)
    try:
        summary = json.loads(text)
    except ValueError as error:
        raise RunError(f"{blob.name}: no summary ({error})") from error
    vertex_experiments.send(stage, vertex_experiments.of_summary(stage, summary), SECONDS)
