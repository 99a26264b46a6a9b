"""`tune MODEL`: search the declared space and keep the best."""

import argparse
import json

from pipeline.cli.options import DONE, add_json, add_model, add_runs

HELP = "search hyperparameters and write the best to best.json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_model(parser)
    add_json(parser)
    add_runs(parser)


def run(options: argparse.Namespace) -> int:
    from pipeline import places
    from pipeline.job import startup
    from pipeline.model.folder import ModelFolder

    folder = ModelFolder.load(options.model)
    runs = places.writable(places.artifacts_folder(options.runs, "--runs"), "--runs")
    file = places.writable_file(folder.path / "hyperparameters/best.json", "the best's file")
    startup.load()
    from pipeline.local.runs import tune
    from pipeline.local.store import write

    best = tune(folder, runs)
    previous_values = folder.hyperparameters
    text = json.dumps(best, indent=2)
    write(file, f"{text}\n")
    print(json.dumps(best) if options.json else f"{file}: {best} (before: {previous_values})")
    return DONE
