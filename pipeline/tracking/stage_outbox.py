"""A stage's runs on their way into Vertex Experiments.

A delivery sends its runs once, within seconds. The summaries in the stage's bucket are the outbox:
one that Vertex Experiments lacks waits.
"""

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

from pipeline.errors import RunError, UnreachableError
from pipeline.gcp import reports
from pipeline.gcp.clients import patiently
from pipeline.gcp.stage import Stage
from pipeline.local.run_names import SUMMARY, newer
from pipeline.progress import Observer, shown
from pipeline.tracking import tracker, vertex_experiments
from pipeline.tracking.sync import Outcome, Waiting
from pipeline.tracking.vertex_experiments import VertexExperiments

Json = dict[str, Any]
DELIVERY_SECONDS = 4.5  # that a delivery waits for its tracker, a run


def track(stage: Stage, summary: Json) -> str | None:
    """Send the run of a delivery; return a sentence where that is left to `runs sync`."""
    if stage.settings.tracker != vertex_experiments.SETTING:
        return None
    try:
        _within(DELIVERY_SECONDS, lambda: VertexExperiments(stage).send(tracked(summary)))
    except Exception as problem:  # whatever it is: the delivery has its verdict without
        words = " ".join(str(problem).split())[:300]
        return (
            f"{summary['model']}: the run waits for {vertex_experiments.SUBJECT}, "
            f"`runs sync --env {stage.name}` sends it: {words or repr(problem)}"
        )
    return None


def tracked(summary: Json) -> tracker.TrackedRun:
    """The run of its summary, with the metric of its gate; raises RunError for no summary."""
    run = tracker.of_summary(summary)
    gate = summary.get("gate")
    return replace(run, facts={**run.facts, "decision.gate": gate[0]["metric"]}) if gate else run


def _within(seconds: float, work: Callable[[], None]) -> None:
    """Do the work, or raise UnreachableError when the time is over.

    A limit of each answer is none of the whole: a server may send a byte at a time. The thread of
    work that hangs ends with the process.
    """
    future: Future[None] = Future()

    def run() -> None:
        try:
            work()
        except Exception as error:
            future.set_exception(error)
        else:
            future.set_result(None)

    threading.Thread(target=run, daemon=True).start()
    try:
        future.result(seconds)
    except TimeoutError as error:
        raise UnreachableError(f"no answer within {seconds} s") from error


def send_waiting(stage: Stage, observer: Observer) -> Outcome:
    """Send every run that waits, until Vertex takes none; the observer is told of each run."""
    outcome = Outcome()
    experiments = VertexExperiments(stage)
    tracked_runs = experiments.runs()
    place = f"{vertex_experiments.SUBJECT} of {stage.name}"
    reason = None
    for run, name in _summaries(stage):
        if run in tracked_runs:
            continue
        if reason is None:
            try:
                with shown(observer, run):
                    experiments.send(tracked(_read(stage, name)))
                outcome.sent.append(run)
                continue
            except UnreachableError as error:
                reason = str(error)
            except RunError as error:
                outcome.waiting.append(Waiting(run, place, str(error)))
                continue
        outcome.waiting.append(Waiting(run, place, reason))
    return outcome


def _summaries(stage: Stage) -> Iterator[tuple[str, str]]:
    """The runs that left a summary, and its name, in the order of their names."""
    for file in reports.files(stage):
        if file.name == SUMMARY:
            yield file.run, file.blob.name


def _read(stage: Stage, name: str) -> Json:
    uri = f"gs://{stage.artifacts.name}/{name}"
    blob = stage.artifacts.blob(name)
    with stage.asking(uri):
        content = patiently(blob.download_as_bytes)
    try:
        summary = json.loads(content)
        problem = newer(summary)
    except (ValueError, AttributeError, RecursionError) as error:
        raise RunError(f"{uri} is no summary ({error!r:.100})") from error
    if problem:
        raise RunError(f"{uri}: {problem}")
    return dict(summary)
