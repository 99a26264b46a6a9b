"""`runs compare RUN RUN ...`: what differs between runs, and their curves on one axis."""

import argparse
import sys
from pathlib import Path

from pipeline.cli.options import DONE, encoded

HELP = "tell what differs between runs, and draw their curves on one axis"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("first", metavar="RUN", help="a run's id, or its beginning: the base")
    parser.add_argument("others", nargs="+", metavar="RUN", help="the runs beside it")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write all of it as a page, too")


def run(options: argparse.Namespace) -> int:
    from pipeline import places
    from pipeline.experiments import compare

    runs = places.folder(options.runs, "--runs")
    file = places.writable_file(options.html, "--html") if options.html else None
    answer = compare.answer(runs, [options.first, *options.others])
    if file:
        from pipeline.experiments import page
        from pipeline.local.store import write

        write(file, page.draw(answer))
    if options.json:
        print(encoded(answer, indent=None))
    else:
        print(compare.as_text(answer, sys.stdout.isatty()))
    return DONE
