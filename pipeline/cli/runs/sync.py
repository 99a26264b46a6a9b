"""`runs sync`: sends the runs that wait for their tracker."""

import argparse
import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from pipeline.cli.options import DONE, EVERY_STAGE, FAILED, add_stages, stages
from pipeline.errors import ConfigurationError, RunError

if TYPE_CHECKING:
    from pipeline.tracking.sync import Outcome, Waiting

HELP = "send the runs that their tracker did not take"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_stages(
        parser,
        f"those of a stage instead, {EVERY_STAGE} for every one, to its Vertex Experiments",
        default=argparse.SUPPRESS,
    )


def run(options: argparse.Namespace) -> int:
    outcome = _of_stages(options.env) if options.env else _here(options)
    if options.json:
        print(json.dumps(asdict(outcome), indent=2))
    else:
        print(_text(outcome))
    for sentence in _sentences(outcome):
        print(sentence, file=sys.stderr)
    return FAILED if outcome.waiting else DONE


def _here(options: argparse.Namespace) -> "Outcome":
    from pipeline import places
    from pipeline.progress import Progress
    from pipeline.tracking import sync

    runs = places.folder(options.runs, "--runs")
    with Progress(sys.stderr) as progress:
        return sync.send_waiting(runs, progress)


def _of_stages(names: list[str]) -> "Outcome":
    from pipeline.progress import Progress
    from pipeline.submission import unwatched
    from pipeline.tracking import stage_outbox
    from pipeline.tracking.sync import Outcome, Waiting
    from pipeline.tracking.vertex_experiments import SETTING

    outcome = Outcome()
    asked_stages = stages(names)
    if EVERY_STAGE in names:
        asked_stages = [each for each in asked_stages if each.settings.tracker == SETTING]
    for stage in asked_stages:
        if stage.settings.tracker != SETTING:
            raise ConfigurationError(
                f"--env is {stage.name!r}, whose tracker is {stage.settings.tracker!r}, "
                f"allowed are the stages whose tracker is {SETTING!r}"
            )
    with Progress(sys.stderr) as progress:
        for stage in asked_stages:
            try:
                problems = unwatched.write_reports(stage, progress)
                of_stage = stage_outbox.send_waiting(stage, progress)
            except RunError as error:  # of this stage: the others' runs are sent
                outcome.waiting.append(Waiting(f"what {stage.name} has is", None, str(error)))
                continue
            for problem in problems:
                print(problem, file=sys.stderr)
            outcome.sent += of_stage.sent
            outcome.waiting += of_stage.waiting
    return outcome


def _text(outcome: "Outcome") -> str:
    if not (outcome.sent or outcome.gone or outcome.waiting):
        return "no run waits for its tracker"
    sent = _runs(len(outcome.sent))
    waiting = _runs(len(outcome.waiting))
    return f"{sent} sent, {waiting} waiting"


def _sentences(outcome: "Outcome") -> list[str]:
    """Of what was not sent: one for each reason, with the first of its runs."""
    sentences = [f"{run} is not sent, it has no summary" for run in outcome.gone]
    runs_by_reason: dict[str, list[str]] = {}
    for waiting in outcome.waiting:
        reason = _reason(waiting)
        runs_by_reason.setdefault(reason, []).append(waiting.run)
    for reason, [first, *others] in runs_by_reason.items():
        more = _runs(len(others))
        subject = f"{first} and {more} more" if others else first
        sentences.append(f"{subject} still waiting: {reason}")
    return sentences


def _reason(waiting: "Waiting") -> str:
    if waiting.tracker is None:
        return waiting.reason
    return f"the tracker {waiting.tracker} did not take it: {waiting.reason}"


def _runs(count: int) -> str:
    return "1 run" if count == 1 else f"{count:,} runs"
