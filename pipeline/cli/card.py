"""`card MODEL`: the card of a model, drawn again from its run's figures and its owner's words."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.cli.options import DONE, add_json, add_model, add_runs, report, stage
from pipeline.errors import ConfigurationError

if TYPE_CHECKING:
    from pipeline.cards.content import Card

HELP = "write a model's card: README.md, a page, and CycloneDX"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_model(parser)
    add_json(parser)
    add_runs(parser)
    parser.add_argument(
        "--run", metavar="RUN", help="the card of this run (default: of the newest version)"
    )
    parser.add_argument(
        "--env", metavar="STAGE", help="the card of the version that serves in this stage"
    )
    parser.add_argument(
        "--output",
        type=Path,
        metavar="DIR",
        help="where to write it (default: where it lies; with --env ./card)",
    )


def run(options: argparse.Namespace) -> int:
    from pipeline import places
    from pipeline.cards import store
    from pipeline.model.folder import ModelFolder

    if options.run is not None and options.env is not None:
        raise ConfigurationError("--run and --env exclude each other: allowed is one of them")
    folder = ModelFolder.load(options.model)
    card, place = _here(options, folder.name) if options.env is None else _in_stage(options)
    output = place if options.output is None else places.folder(options.output, "--output")
    store.refuse_other_readme(output, "--output")
    renewed_card = store.with_owner(card, folder)
    files = store.write(renewed_card, places.writable(output, "--output"))
    paths = [str(file) for file in files]
    report(options, "\n".join(paths), {"run": card.run, "files": paths})
    return DONE


def _here(options: argparse.Namespace, model: str) -> "tuple[Card, Path]":
    """The card on this machine, and where it lies."""
    from pipeline import places
    from pipeline.cards import content, store

    runs = places.folder(options.runs, "--runs")
    if options.run is not None:
        place = store.of_run(runs, model, options.run)
    else:
        place = store.newest_published(runs, model)
    card = content.read(place / content.NAME)
    if card.model != model:
        raise ConfigurationError(
            f"--run is {options.run!r}, which made {card.model}: allowed is a run of {model}"
        )
    return card, place


def _in_stage(options: argparse.Namespace) -> "tuple[Card, Path]":
    """The card of the version that the stage's record names."""
    from pipeline.delivery import record_object, run_report

    asked_stage = stage(options.env)
    delivery = record_object.recorded_model(asked_stage, options.model).current
    return run_report.card(asked_stage, options.model, delivery.run), Path.cwd() / "card"
