"""`predict MODEL`: answers for the rows of a CSV."""

import argparse
from pathlib import Path

from pipeline.cli.options import DONE, add_json, add_model, add_runs, report

HELP = "answer every row of a CSV with the last blessed model"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_model(parser)
    add_json(parser)
    add_runs(parser)
    parser.add_argument("--input", type=Path, required=True, metavar="CSV")
    parser.add_argument("--output", type=Path, required=True, metavar="CSV")


def run(options: argparse.Namespace) -> int:
    from pipeline import places
    from pipeline.job import startup
    from pipeline.model.folder import ModelFolder

    folder = ModelFolder.load(options.model)
    runs = places.writable(places.artifacts_folder(options.runs, "--runs"), "--runs")
    source = places.readable_file(options.input, "--input")
    output = places.writable_file(options.output, "--output")
    startup.load()
    from pipeline.local import prediction

    result = prediction.predict(folder, runs, source, output)
    text = f"{result['rows']} rows answered by {result['model']}: {result['output']}"
    report(options, text, result, indent=None)
    return DONE
