"""`runs`: the runs and their decisions, and what is done with them.

The verb alone lists; each action has a file of its own.
"""

import argparse
import sys
from dataclasses import asdict
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from pipeline.cli.options import (
    DONE,
    EVERY_STAGE,
    add_json,
    add_runs,
    add_stages,
    encoded,
    stages,
)
from pipeline.cli.runs import compare, imports, prune, sync, tag
from pipeline.errors import ConfigurationError
from settings.values import printable

if TYPE_CHECKING:
    from pipeline.experiments.index import Listing
    from pipeline.experiments.row import Row

HELP = "list the runs and their decisions; compare, tag, import and remove them"
ACTIONS: dict[str, ModuleType] = {
    "compare": compare,
    "import": imports,
    "prune": prune,
    "sync": sync,
    "tag": tag,
}
IN_STAGES = ("compare", "sync")  # the actions that take --env
NEWEST = 50


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_json(parser)
    add_runs(parser)
    add_stages(parser, f"also the runs of a stage, {EVERY_STAGE} for those of every one")
    parser.add_argument(
        "--where",
        action="append",
        metavar="TEXT",
        help='only runs that meet it, as in "auc > 0.9 and tag = x": a column, a metric or a '
        "hyperparameter, and one of =, !=, <, <=, >, >=; of several, all",
    )
    parser.add_argument(
        "--sort",
        metavar="NAME",
        help="by a column, a metric or a hyperparameter, -NAME the largest first "
        "(default: the newest first)",
    )
    parser.add_argument(
        "--limit",
        type=int,
        default=NEWEST,
        metavar="N",
        help=f"show the first N, 0 for all (default: {NEWEST})",
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    for name, action in ACTIONS.items():
        action_parser = actions.add_parser(name, help=action.HELP)
        action.add_arguments(action_parser)
        _add_shared(action_parser)


def _add_shared(parser: argparse.ArgumentParser) -> None:
    """The flags that may also stand before the action: without a default, which would undo them."""
    add_json(parser, default=argparse.SUPPRESS)
    add_runs(parser, default=argparse.SUPPRESS)


def run(options: argparse.Namespace) -> int:
    if options.action:
        _check_list_flags(options)
        _check_stages(options)
        code: int = ACTIONS[options.action].run(options)
        return code
    return _list(options)


def _check_list_flags(options: argparse.Namespace) -> None:
    """Refuse a filter where nothing is listed: an action would do its work on all runs."""
    flags = {
        "--where": options.where is not None,
        "--sort": options.sort is not None,
        "--limit": options.limit != NEWEST,
    }
    for flag, is_given in flags.items():
        if is_given:
            raise ConfigurationError(
                f"{flag} stands before `runs {options.action}`, which does not take it: "
                "allowed is the list alone, `runs`"
            )


def _check_stages(options: argparse.Namespace) -> None:
    if options.env and options.action not in IN_STAGES:
        raise ConfigurationError(
            f"--env is {options.env[0]!r}, which `runs {options.action}` does not take: "
            f"allowed are `runs --env` and `runs {', '.join(IN_STAGES)} --env`"
        )


def _list(options: argparse.Namespace) -> int:
    from pipeline import places
    from pipeline.experiments import query, table

    if options.limit < 0:
        raise ConfigurationError(f"--limit is {options.limit}, allowed are 0 and more")
    if options.where is not None:
        options.where = " and ".join(options.where)
    runs = places.folder(options.runs, "--runs")
    listing = _listing(runs, options.env or [])
    for problem in listing.problems:
        print(printable(problem), file=sys.stderr)
    # The order first: its name may be one that no selected run has.
    rows = query.select(query.ordered(listing.rows, options.sort), options.where)
    first_rows = rows[: options.limit or None]
    if options.json:
        print(encoded([asdict(row) for row in first_rows], indent=None))
    elif first_rows:
        table.show(first_rows, _names(options), len(rows) - len(first_rows))
    else:
        print(_none(options, listing.rows))
    return DONE


def _listing(runs: Path, stage_names: list[str]) -> "Listing":
    """The runs of this machine, and of the stages that are asked for."""
    from pipeline.experiments import index

    here = index.listing(runs)
    if not stage_names:
        return here
    from pipeline.experiments import cloud

    of_stages = cloud.listing(runs, stages(stage_names))
    rows = [*here.rows, *of_stages.rows]
    return index.Listing(rows, [*here.problems, *of_stages.problems])


def _names(options: argparse.Namespace) -> list[str]:
    """The names that the list was asked by: each is shown."""
    from pipeline.experiments import query

    conditions = query.conditions(options.where) if options.where is not None else []
    names = [condition.name for condition in conditions]
    return [*names, options.sort.removeprefix("-")] if options.sort else names


def _none(options: argparse.Namespace, rows: "list[Row]") -> str:
    from pipeline import places

    if rows:
        return f"none of {len(rows):,} runs meets {options.where!r}"
    return f"no run yet in {places.shown(options.runs)}; `make run` makes the first"
