"""Flags, stage and report, shared by several verbs."""

import argparse
import json
import math
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.errors import ConfigurationError
from settings import REPOSITORY, model_names
from settings.stages import environments
from settings.values import shown

if TYPE_CHECKING:
    from pipeline.delivery.rollout import Rollout
    from pipeline.gcp.stage import Stage
    from pipeline.progress import Observer

DONE, FAILED, NO = 0, 1, 3
NO_REQUEST = "none"  # as a trigger spells it; a message without the attribute has an empty text
RUNS = REPOSITORY / "runs"
EVERY_STAGE = "all"


def add_json(parser: argparse.ArgumentParser, default: Any = False) -> None:
    parser.add_argument(
        "--json",
        action="store_true",
        default=default,
        help="print the result as JSON on standard output",
    )


def add_runs(
    parser: argparse.ArgumentParser, holds: str = "runs and what they make", default: Any = RUNS
) -> None:
    help_text = f"where {holds} are kept (default: runs)"
    parser.add_argument("--runs", type=Path, default=default, metavar="DIR", help=help_text)


def add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", help="a model's name, or a path to its folder")


def add_stage(parser: argparse.ArgumentParser) -> None:
    add_json(parser)
    parser.add_argument("--env", required=True, help="a stage of environments.py")


def add_stages(parser: argparse.ArgumentParser, help_text: str, default: Any = None) -> None:
    parser.add_argument(
        "--env", action="append", metavar="NAME", default=default, help=f"{help_text}; repeatable"
    )


def add_commit(parser: argparse.ArgumentParser) -> None:
    help_text = "the whole hash of the commit, which must be checked out"
    parser.add_argument("--commit", required=True, metavar="SHA", help=help_text)
    parser.add_argument("--models", required=True, help="all, none, or names joined by commas")


def add_request(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--request",
        metavar="ID",
        default=NO_REQUEST,
        help="the monitor's name of the retraining, which begins once (default: none)",
    )


def asked_request(options: argparse.Namespace) -> str | None:
    """The request's id; a message of a person's has an empty one."""
    return None if options.request in ("", NO_REQUEST) else str(options.request)


def add_set(parser: argparse.ArgumentParser, more: str = "") -> None:
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help=f"train by another hyperparameter than best.json's; repeatable{more}",
    )


def day(flag: str, text: str) -> date:
    """The flag's day; raises ConfigurationError for any other text."""
    try:
        value = date.fromisoformat(text)
    except ValueError:
        value = None
    if value is None or str(value) != text:  # Python also takes 20130901 and 2013-W35-7
        raise ConfigurationError(f"{flag} is {shown(text)}, allowed is a day as YYYY-MM-DD")
    return value


def asked_models(models: str) -> list[str]:
    """Return the models of _MODELS: `all`, `none`, or names joined by commas.

    Raises ConfigurationError for a name that is not in the checkout.
    """
    from pipeline.gcp.cloud_build import ALL_MODELS, NO_MODELS

    all_names = model_names()
    keywords = {ALL_MODELS: all_names, NO_MODELS: []}
    names = set(keywords.get(models, models.split(",")))
    if unknown_names := sorted(names - set(all_names)):
        allowed = f"{ALL_MODELS}, {NO_MODELS}, or of {', '.join(all_names)}"
        raise ConfigurationError(f"--models names {unknown_names[0]!r}, allowed are {allowed}")
    return sorted(names)


def stage(name: str) -> "Stage":
    """The stage in the cloud; raises ConfigurationError for one outside environments.py."""
    from pipeline.gcp.stage import Stage

    stages = environments()
    if name not in stages:
        raise ConfigurationError(f"--env is {name!r}, allowed are {', '.join(stages)}")
    return Stage(stages[name])


def stages(names: list[str]) -> "list[Stage]":
    """The stages of a repeated --env, each once; `all` names every one."""
    all_names = list(environments()) if EVERY_STAGE in names else names
    return [stage(name) for name in dict.fromkeys(all_names)]


def stage_before(stage: "Stage") -> "Stage":
    """The stage to promote from; raises ConfigurationError without one."""
    from pipeline.gcp.stage import Stage

    previous_name = stage.settings.promotes_from
    if previous_name is None:
        raise ConfigurationError(
            f"--env is {stage.name!r}, which promotes from no other: "
            "allowed are the stages with a promotes_from"
        )
    return Stage(environments()[previous_name])


def rollout(stage: "Stage", commit: str, observer: "Observer") -> "Rollout":
    """The commit on its way into the stage, between the stages before and after it."""
    from pipeline.delivery.rollout import Rollout
    from pipeline.gcp.stage import Stage

    source = stage_before(stage) if stage.settings.promotes_from else None
    followers = [later for later in environments().values() if later.promotes_from == stage.name]
    return Rollout(stage, source, tuple(map(Stage, followers)), commit, observer)


def report(options: argparse.Namespace, text: str, result: Any, indent: int | None = 2) -> None:
    """Print the result for people, or with --json for machines."""
    print(encoded(result, indent) if options.json else text)


def encoded(result: Any, indent: int | None = 2) -> str:
    """The result as JSON, which has no NaN and no infinity: null takes their place."""
    return json.dumps(_finite(result), indent=indent, allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {name: _finite(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return value
