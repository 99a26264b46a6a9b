"""`runs compare RUN RUN ...`: what differs between runs, and their curves on one axis."""

import argparse
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.cli.options import DONE, EVERY_STAGE, add_stages, encoded, stages

if TYPE_CHECKING:
    from pipeline.experiments.stage_folder import StageFolder

HELP = "tell what differs between runs, and draw their curves on one axis"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("first", metavar="RUN", help="a run's id, or its beginning: the base")
    parser.add_argument("others", nargs="+", metavar="RUN", help="the runs beside it")
    add_stages(
        parser,
        f"also look for the runs in a stage, {EVERY_STAGE} for every one",
        default=argparse.SUPPRESS,
    )
    parser.add_argument("--html", type=Path, metavar="FILE", help="write all of it as a page, too")


def run(options: argparse.Namespace) -> int:
    from pipeline import places
    from pipeline.experiments import compare

    runs = places.folder(options.runs, "--runs")
    file = places.writable_file(options.html, "--html") if options.html else None
    names = [options.first, *options.others]
    with tempfile.TemporaryDirectory() as place:
        answer = compare.answer(runs, names, _folders(options.env or [], Path(place)))
    if file:
        from pipeline.experiments import page
        from pipeline.local.store import write

        write(file, page.draw(answer))
    if options.json:
        print(encoded(answer, indent=None))
    else:
        print(compare.as_text(answer, sys.stdout.isatty()))
    return DONE


def _folders(names: list[str], place: Path) -> "list[StageFolder]":
    """What the stages hold of their runs; files come into `place`."""
    if not names:
        return []
    from pipeline.experiments.stage_folder import StageFolder

    return [StageFolder(stage, place / stage.name) for stage in stages(names)]
