"""`runs sync`: sends the runs that wait for their tracker."""

import argparse
import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from pipeline.cli.options import DONE, EVERY_STAGE, FAILED, RUNS, add_stages, stages
from pipeline.errors import ConfigurationError, RunError
from settings.values import shown

if TYPE_CHECKING:
    from pipeline.gcp.stage import Stage
    from pipeline.tracking.sync import Outcome, Waiting

HELP = "send the runs that their tracker did not take"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_stages(
        parser,
        f"those of a stage instead, {EVERY_STAGE} for every one, to its Vertex Experiments",
        default=argparse.SUPPRESS,
    )


def run(options: argparse.Namespace) -> int:
    outcome = _of_stages(options) if options.env else _here(options)
    if options.json:
        print(json.dumps(asdict(outcome), indent=2))
    else:
        print(_text(outcome))
    for sentence in _sentences(outcome):
        print(sentence, file=sys.stderr)
    return FAILED if outcome.waiting or outcome.unread else DONE


def _here(options: argparse.Namespace) -> "Outcome":
    from pipeline import places
    from pipeline.progress import Progress
    from pipeline.tracking import sync

    runs = places.folder(options.runs, "--runs")
    with Progress(sys.stderr) as progress:
        return sync.send_waiting(runs, progress)


def _of_stages(options: argparse.Namespace) -> "Outcome":
    from pipeline.progress import Progress
    from pipeline.submission import unwatched
    from pipeline.tracking import stage_outbox
    from pipeline.tracking.sync import Outcome

    _check_runs(options)
    outcome = Outcome()
    tracked_stages = _tracked_stages(options.env)
    with Progress(sys.stderr) as progress:
        for stage in tracked_stages:
            try:
                problems = unwatched.write_reports(stage, progress)
                of_stage = stage_outbox.send_waiting(stage, progress)
            except RunError as error:  # of this stage: the others' runs are sent
                outcome.unread[stage.name] = str(error)
                continue
            for problem in problems:
                print(problem, file=sys.stderr)
            outcome.sent += of_stage.sent
            outcome.waiting += of_stage.waiting
    return outcome


def _check_runs(options: argparse.Namespace) -> None:
    """Refuse a folder beside stages, whose runs wait in their buckets."""
    if options.runs != RUNS:
        raise ConfigurationError(
            f"--runs is {shown(str(options.runs))}, which `runs sync --env` does not take: "
            "allowed is one of both"
        )


def _tracked_stages(names: list[str]) -> "list[Stage]":
    """The stages; of all, those with a tracker. Raises ConfigurationError for one without."""
    from pipeline.tracking.vertex_experiments import SETTING

    asked_stages = stages(names)
    tracked_stages = [each for each in asked_stages if each.settings.tracker == SETTING]
    if EVERY_STAGE in names and tracked_stages:
        return tracked_stages
    for stage in asked_stages:
        if stage.settings.tracker != SETTING:
            raise ConfigurationError(
                f"--env is {stage.name!r}, whose tracker is {stage.settings.tracker!r}, "
                f"allowed are the stages whose tracker is {SETTING!r}"
            )
    return asked_stages


def _text(outcome: "Outcome") -> str:
    if not (outcome.sent or outcome.gone or outcome.waiting or outcome.unread):
        return "no run waits for its tracker"
    sent = _runs(len(outcome.sent))
    waiting = _runs(len(outcome.waiting))
    text = f"{sent} sent, {waiting} waiting"
    return f"{text}, unknown of {', '.join(outcome.unread)}" if outcome.unread else text


def _sentences(outcome: "Outcome") -> list[str]:
    """Of what was not sent: one for each reason, with the first of its runs."""
    sentences = [f"{run} is not sent, it has no summary" for run in outcome.gone]
    for stage, reason in outcome.unread.items():
        sentences.append(f"what waits of {stage} is unknown: {reason}")
    runs_by_reason: dict[str, list[str]] = {}
    for waiting in outcome.waiting:
        reason = _reason(waiting)
        runs_by_reason.setdefault(reason, []).append(waiting.run)
    for reason, [first, *followers] in runs_by_reason.items():
        more = _runs(len(followers))
        subject = f"{first} and {more} more" if followers else first
        sentences.append(f"{subject} still waiting: {reason}")
    return sentences


def _reason(waiting: "Waiting") -> str:
    if waiting.tracker is None:
        return waiting.reason
    return f"the tracker {waiting.tracker} did not take it: {waiting.reason}"


def _runs(count: int) -> str:
    return "1 run" if count == 1 else f"{count:,} runs"
