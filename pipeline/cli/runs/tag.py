"""`runs tag RUN TEXT ...`: marks runs for later."""

import argparse
from pathlib import Path

from pipeline.cli import options as shared
from pipeline.errors import ConfigurationError

HELP = "mark a run, to find it again; one with the tag keep is never removed"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", help="the run's id, or the beginning of one")
    parser.add_argument("tags", nargs="+", metavar="TEXT", help="the tags to add")
    parser.add_argument("--remove", action="store_true", help="take these tags away instead")


def run(options: argparse.Namespace) -> int:
    from pipeline import places
    from pipeline.experiments import find, local, tags

    runs = places.folder(options.runs, "--runs")
    names = [tags.checked(text) for text in options.tags]
    find.folder(runs, options.run)  # which refuses an unknown one, also where nothing is
    with local.alone(runs, waits=True):
        folder = find.folder(runs, options.run)
        tags.keep(folder, _changed(folder, names, removes=options.remove))
        current = list(tags.read(folder))
    text = f"{folder.name}: {', '.join(current) or 'no tag'}"
    shared.report(options, text, {"run": folder.name, "tags": current})
    return shared.DONE


def _changed(folder: Path, names: list[str], *, removes: bool) -> list[str]:
    from pipeline.experiments import tags

    current = tags.read(folder)
    if not removes:
        return [*current, *names]
    for name in names:
        if name not in current:
            allowed = ", ".join(current) or "none"
            raise ConfigurationError(f"{folder.name} has no tag {name!r}, allowed are {allowed}")
    return [tag for tag in current if tag not in names]
