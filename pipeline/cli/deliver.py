"""`deliver`: the work of a trigger's build."""

import argparse
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from pipeline.cli import options as shared

if TYPE_CHECKING:
    from pipeline.delivery.rollout import Verdict

HELP = "what a trigger runs: upload, compile, submit, wait, release, record"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    shared.add_stage(parser)
    shared.add_commit(parser)
    parser.add_argument(
        "--tag",
        help="of the images to deliver in (default: the images that the record names)",
    )
    shared.add_request(parser)
    parser.add_argument(
        "--verdict-succeeds",
        action="store_true",
        help="end with 0 where a model is refused: for a trigger's build, which is no failure then",
    )


def run(options: argparse.Namespace) -> int:
    stage = shared.stage(options.env)
    from pipeline.delivery import retraining_requests
    from pipeline.delivery.build import deliver_or_promote
    from pipeline.delivery.record import SupersededError
    from pipeline.progress import Progress

    models = shared.asked_models(options.models)
    request = shared.asked_request(options)
    try:
        if request is not None:
            for model in models:
                retraining_requests.check_wanted(stage, model, request)
        with Progress(sys.stderr) as progress:
            rollout = shared.rollout(stage, options.commit, progress)
            verdicts = deliver_or_promote(rollout, models, options.tag)
    except SupersededError as superseded:
        shared.report(options, f"nothing is left to do: {superseded}", [])
        return shared.DONE
    code = report_verdicts(options, verdicts)
    # By now the event log has each refusal, which is what its alert waits for.
    return shared.DONE if options.verdict_succeeds and code == shared.NO else code


def _shown(verdict: "Verdict") -> str:
    sentence = f"{verdict.model}: {verdict.state}: {verdict.reason}"
    return f"{sentence}\n  report: {verdict.report}" if verdict.report else sentence


def report_verdicts(options: argparse.Namespace, verdicts: "list[Verdict]") -> int:
    text = "\n".join(map(_shown, verdicts)) or "no model to deliver: the images are recorded"
    shared.report(options, text, [asdict(verdict) for verdict in verdicts])
    states = {verdict.state for verdict in verdicts}
    if "failed" in states:
        return shared.FAILED
    return shared.NO if "not blessed" in states else shared.DONE
