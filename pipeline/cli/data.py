"""`data diff A B`: what differs between two runs' rows, by their statistics."""

import argparse

from pipeline.cli.options import DONE, add_json, add_runs, report

HELP = "compare the rows of two runs, also where only their statistics are left"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    diff = actions.add_parser("diff", help="each column that differs, the most different first")
    diff.add_argument("old", metavar="RUN", help="a run's id, or its beginning")
    diff.add_argument("new", metavar="RUN")
    add_json(diff)
    add_runs(diff)


def run(options: argparse.Namespace) -> int:
    from pipeline import places
    from pipeline.differences import data, models, text
    from pipeline.local import run_names

    runs = places.folder(options.runs, "--runs")
    folders = [run_names.folder(runs, name) for name in (options.old, options.new)]
    statistics = [models.statistics(runs, run_names.summary(folder)) for folder in folders]
    splits = data.difference(*statistics)
    report(options, text.of_data(splits), splits)
    return DONE
