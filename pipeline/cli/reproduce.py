"""`reproduce MODEL`: a model made again from its commit, data and packages, and compared."""

import argparse

from pipeline.cli.options import DONE, NO, add_json, add_runs, report
from pipeline.errors import ConfigurationError

HELP = "make a model again from what it was made of, and compare both bit by bit"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "name",
        metavar="MODEL|RUN",
        help="a model, for its newest published version, or a run's id or its beginning",
    )
    add_json(parser)
    add_runs(parser)
    parser.add_argument(
        "--rehearse",
        action="store_true",
        help="make it through the compiled job, as the cloud would",
    )
    parser.add_argument(
        "--against", metavar="RUN", help="compare with this run in place of making it again"
    )


def run(options: argparse.Namespace) -> int:
    from pipeline import places
    from pipeline.reproduction import again, comparison, origin, verdict

    is_comparison = options.against is not None
    if is_comparison and options.rehearse:
        raise ConfigurationError(
            "--against makes nothing again: allowed is one of it and --rehearse"
        )
    runs = places.artifacts_folder(options.runs, "--runs")
    if is_comparison:
        answer = comparison.of_runs(runs, options.name, options.against)
    else:
        asked = origin.of(runs, options.name)
        folders = again.check(asked, runs)
        answer = again.make(asked, folders, rehearse=options.rehearse)
    report(options, verdict.text(answer), verdict.document(answer))
    return DONE if answer.word == "bit-equal" else NO
