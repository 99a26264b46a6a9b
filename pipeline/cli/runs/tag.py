"""`runs tag RUN TEXT ...`: marks runs for later."""

import argparse

from pipeline.cli import options as shared
from pipeline.errors import ConfigurationError

HELP = "mark a run, to find it again; one with the tag keep is never removed"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", help="the run's id, or the beginning of one")
    parser.add_argument("tags", nargs="+", metavar="TEXT", help="the tags to add")
    parser.add_argument("--remove", action="store_true", help="take these tags away instead")


def run(options: argparse.Namespace) -> int:
    from pipeline import places
    from pipeline.experiments import find, tags

    runs = places.folder(options.runs, "--runs")
    names = [tags.checked(text) for text in options.tags]
    folder = find.folder(runs, options.run)
    current = tags.read(folder)
    if options.remove:
        if absent := [name for name in names if name not in current]:
            raise ConfigurationError(
                f"{folder.name} has no tag {absent[0]!r}, allowed are {', '.join(current) or 'none'}"
            )
        changed = [tag for tag in current if tag not in names]
    else:
        changed = [*current, *names]
    tags.keep(folder, changed)
    left = list(tags.read(folder))
    text = f"{folder.name}: {', '.join(left) or 'no tag'}"
    shared.report(options, text, {"run": folder.name, "tags": left})
    return shared.DONE
