"""Flags, stage and report, shared by several verbs."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.errors import ConfigurationError
from settings import REPOSITORY
from settings.stages import environments

if TYPE_CHECKING:
    from settings import Settings

DONE, FAILED, NO = 0, 1, 3
RUNS = REPOSITORY / "runs"


def add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--json", action="store_true", help="print the result as JSON on standard output"
    )


def add_runs(parser: argparse.ArgumentParser, holds: str = "runs and what they make") -> None:
    help_text = f"where {holds} are kept (default: runs)"
    parser.add_argument("--runs", type=Path, default=RUNS, metavar="DIR", help=help_text)


def add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", help="a model's name, or a path to its folder")


def add_stage(parser: argparse.ArgumentParser) -> None:
    add_json(parser)
    parser.add_argument("--env", required=True, help="a stage of environments.py")


def add_commit(parser: argparse.ArgumentParser) -> None:
    help_text = "the whole hash of the commit, which must be checked out"
    parser.add_argument("--commit", required=True, metavar="SHA", help=help_text)
    parser.add_argument("--models", required=True, help="all, none, or names joined by commas")


def stage(name: str) -> "Settings":
    """The stage's settings; raises ConfigurationError for one outside environments.py."""
    stages = environments()

    if name not in stages:
        raise ConfigurationError(f"--env is {name!r}, allowed are {', '.join(stages)}")
    return stages[name]


def stage_before(settings: "Settings") -> "Settings":
    """The stage to promote from; raises ConfigurationError without one."""
    if settings.promotes_from is None:
        raise ConfigurationError(
            f"--env is {settings.stage!r}, which promotes from no other: "
            "allowed are the stages with a promotes_from"
        )
    return stage(settings.promotes_from)


def report(options: argparse.Namespace, text: str, result: Any, indent: int | None = 2) -> None:
    """Print the result for people, or with --json for machines."""
    print(json.dumps(result, indent=indent) if options.json else text)
