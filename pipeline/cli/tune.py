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
    from pipeline.job import startup
    from pipeline.model.folder import ModelFolder

    folder = ModelFolder.load(options.model)
    startup.load()
    from pipeline.local import runs

    best = runs.tune(folder, options.runs.resolve())
    file, previous_values = folder.path / "hyperparameters/best.json", folder.hyperparameters
    file.write_text(json.dumps(best, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(best) if options.json else f"{file}: {best} (before: {previous_values})")
    return DONE
