"""`runs sync`: sends the runs that wait for their tracker."""

import argparse
import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from pipeline.cli.options import DONE, FAILED

if TYPE_CHECKING:
    from pipeline.tracking.sync import Outcome, Waiting

HELP = "send the runs that their tracker did not take"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """It has the shared flags alone."""


def run(options: argparse.Namespace) -> int:
    from pipeline import places
    from pipeline.progress import Progress
    from pipeline.tracking import sync

    runs = places.folder(options.runs, "--runs")
    with Progress(sys.stderr) as progress:
        outcome = sync.send_waiting(runs, progress)
    if options.json:
        print(json.dumps(asdict(outcome), indent=2))
    else:
        print(_text(outcome))
    for sentence in _sentences(outcome):
        print(sentence, file=sys.stderr)
    return FAILED if outcome.waiting else DONE


def _text(outcome: "Outcome") -> str:
    if not (outcome.sent or outcome.gone or outcome.waiting):
        return "no run waits for its tracker"
    sent = _runs(len(outcome.sent))
    waiting = _runs(len(outcome.waiting))
    return f"{sent} sent, {waiting} waiting"


def _sentences(outcome: "Outcome") -> list[str]:
    """Of what was not sent: one for each reason, with the first of its runs."""
    sentences = [f"{run} is not sent, it left no summary" for run in outcome.gone]
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
