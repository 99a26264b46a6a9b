"""`push`: hands a commit to the trigger of its delivery, once."""

import argparse
from dataclasses import asdict
from typing import TYPE_CHECKING

from pipeline.cli import options as shared
from pipeline.cli import route as routes
from pipeline.errors import ConfigurationError
from settings import REPOSITORY
from settings.values import shown

if TYPE_CHECKING:
    from pipeline.delivery.pushes import Pushed, Retraining

HELP = "hand a commit of the default branch to the trigger that delivers what has changed"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    shared.add_stage(parser)
    parser.add_argument(
        "--head", metavar="REV", default="HEAD", help="the commit to deliver (default: HEAD)"
    )
    modes = parser.add_mutually_exclusive_group()
    modes.add_argument(
        "--again", action="store_true", help="also where this commit was pushed before"
    )
    modes.add_argument(
        "--retrain",
        action="store_true",
        help="instead: what is recorded of --models, once more on newer data",
    )
    modes.add_argument(
        "--promote",
        action="store_true",
        help="instead: --models at --commit, as the stage before has delivered them",
    )
    parser.add_argument(
        "--commit", metavar="SHA", help="with --promote: the whole hash of the commit"
    )
    parser.add_argument(
        "--models",
        default="all",
        help="with --retrain and --promote: names joined by commas (default: all)",
    )
    shared.add_request(parser)


def run(options: argparse.Namespace) -> int:
    stage = shared.stage(options.env)
    _check(options)
    from pipeline.delivery import pushes

    request = shared.asked_request(options)
    if request is not None:
        retraining = pushes.retrain_once(stage, options.models, request)
        return _report_retrainings(options, [retraining])
    if options.retrain:
        return _report_retrainings(options, pushes.retrain(stage, options.models))
    elif options.promote:
        source = shared.stage_before(stage)
        build = pushes.promote(source, stage, options.commit, options.models)
        shared.report(options, build.url, {"build": asdict(build)})
    else:
        _report(options, pushes.push(stage, REPOSITORY, options.head, again=options.again))
    return shared.DONE


def _check(options: argparse.Namespace) -> None:
    if options.models != "all" and not (options.retrain or options.promote):
        raise ConfigurationError(
            f"--models is {options.models!r}, allowed with --retrain and --promote alone: "
            "the changes say what is delivered"
        )
    if options.commit and not options.promote:
        raise ConfigurationError(
            f"--commit is {options.commit!r}, allowed with --promote alone: "
            "--head names what is delivered"
        )
    request = shared.asked_request(options)
    if request is not None and not options.retrain:
        raise ConfigurationError(f"--request is {shown(request)}, allowed with --retrain alone")


def _report_retrainings(options: argparse.Namespace, retrainings: "list[Retraining]") -> int:
    lines = []
    for retraining in retrainings:
        problem = retraining.error or retraining.reason
        answer = retraining.build.url if retraining.build else f"not started: {problem}"
        lines.append(f"{', '.join(retraining.models)}: {answer}")
    result = [asdict(retraining) for retraining in retrainings]
    shared.report(options, "\n".join(lines) or "nothing is delivered yet", result)
    any_refused = any(retraining.error for retraining in retrainings)
    return shared.FAILED if any_refused else shared.DONE


def _report(options: argparse.Namespace, outcome: "Pushed") -> None:
    route, build = outcome.route, outcome.build
    parts = [outcome.message, routes.sentence(route) if route else "", build.url if build else ""]
    result = {
        "started": outcome.started,
        "said": outcome.message,
        "route": routes.as_json(route) if route else None,
        "build": asdict(build) if build else None,
    }
    shared.report(options, "\n".join(part for part in parts if part), result)
