"""`submit`: a model of any tree, tried on a stage's Vertex Pipelines and never delivered."""

import argparse
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from pipeline.cli import options as shared
from pipeline.errors import ConfigurationError
from settings import REPOSITORY
from settings.values import listed

if TYPE_CHECKING:
    from pipeline.gcp.stage import Stage
    from pipeline.progress import Observer
    from pipeline.submission.experiment import Submitted

HELP = "try a model on a stage's Vertex Pipelines, where nothing of it is delivered"
INTERRUPTED = 130
OWN = ""  # --watch without a run: the one that is submitted


def add_arguments(parser: argparse.ArgumentParser) -> None:
    shared.add_stage(parser)
    parser.add_argument(
        "model", nargs="?", help="with --experiment: a model's name, or a path to its folder"
    )
    parser.add_argument(
        "--experiment",
        action="store_true",
        help="run the files as they are here, in the stage's image, and push nothing",
    )
    parser.add_argument(
        "--watch",
        metavar="RUN",
        nargs="?",
        const=OWN,
        help="show the nodes of the run until its end, and write its report; "
        "with --experiment: of the new run",
    )


def run(options: argparse.Namespace) -> int:
    _check(options)
    stage = shared.stage(options.env)
    from pipeline.progress import Progress

    with Progress(sys.stderr) as progress:
        if not options.experiment:
            return _watched(options, stage, options.watch, progress)
        submitted = _submitted(stage, options.model, progress)
        if options.watch is None:
            shared.report(options, _text(stage, submitted), asdict(submitted))
            return shared.DONE
        print(_text(stage, submitted), file=sys.stderr)
        return _watched(options, stage, submitted.run, progress)


def _check(options: argparse.Namespace) -> None:
    """Put each word in its place, and refuse what asks for nothing."""
    if options.experiment:
        if options.watch and options.model is None:  # `--experiment --watch MODEL`
            options.model, options.watch = options.watch, OWN
        if options.model is None:
            raise ConfigurationError("--experiment has no model, allowed is its name or its folder")
        if options.watch:
            raise ConfigurationError(
                f"--watch is {options.watch!r}, allowed with --experiment is none: "
                "it shows the new run"
            )
        return
    if options.watch is None:
        raise ConfigurationError(
            "submit has neither --experiment nor --watch, allowed is one of them: "
            "`python3 -m pipeline push` delivers"
        )
    if options.watch == OWN:
        options.model, options.watch = None, options.model
    if not options.watch or options.model is not None:
        raise ConfigurationError(
            "--watch without --experiment names no run, or has a model beside it: "
            "allowed is `submit --watch RUN`"
        )


def _submitted(stage: "Stage", model: str, observer: "Observer") -> "Submitted":
    from pipeline.submission import experiment, user

    new_experiment = experiment.begin(stage, model, user.current(REPOSITORY))
    return experiment.submit(new_experiment, REPOSITORY, observer)


def _watched(
    options: argparse.Namespace, stage: "Stage", run_name: str, observer: "Observer"
) -> int:
    from pipeline.submission.watch import watch

    try:
        verdict = watch(stage, run_name, observer)
    except KeyboardInterrupt:
        print(f"the run goes on: `{_command(stage, run_name)}` shows it again", file=sys.stderr)
        return INTERRUPTED
    text = f"{verdict.run}: {verdict.state}: {verdict.reason}"
    if verdict.report:
        text += f"\n  report: {verdict.report}"
    shared.report(options, text, asdict(verdict))
    codes = {"blessed": shared.DONE, "not blessed": shared.NO}
    return codes.get(verdict.state, shared.FAILED)


def _text(stage: "Stage", submitted: "Submitted") -> str:
    lines = [f"{submitted.run}: submitted, `{_command(stage, submitted.run)}` shows it"]
    if submitted.untracked_files:
        names = listed(submitted.untracked_files)
        lines.append(f"  uploaded with it, which git does not know: {names}")
    return "\n".join(lines)


def _command(stage: "Stage", run_name: str) -> str:
    return f"python3 -m pipeline submit --watch {run_name} --env {stage.name}"
