"""`lineage`: where a model came from, and where rows, a commit, an image or a package went."""

import argparse
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.cli import options as shared
from pipeline.errors import ConfigurationError
from settings import model_names
from settings.stages import environments
from settings.values import shown

if TYPE_CHECKING:
    from pipeline.lineage.answer import Backward, Forward
    from pipeline.lineage.forward import Question
    from pipeline.lineage.place import Place

HELP = "tell where a model came from (back), and where rows or code went (forward)"
WHAT = """
a model, MODEL@VERSION, a version, a run or its beginning, a deployed model's id,
an endpoint, or a logged request's id
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    directions = parser.add_subparsers(dest="direction", required=True, metavar="DIRECTION")
    back = directions.add_parser("back", help="from an answer or a model to its rows and code")
    back.add_argument("what", metavar="WHAT", help=" ".join(WHAT.split()))
    back.add_argument("--at", metavar="TIME", help="the versions of MODEL that answered then, UTC")
    back.add_argument(
        "--request-log",
        metavar="PROJECT.DATASET.TABLE",
        help="the log of a server of one's own, in which a request's id is looked up",
    )
    _add_shared(back)
    forward = directions.add_parser(
        "forward",
        help="to the models made from something, and where they serve",
        epilog="exit: 0 none is served, 3 one is",
    )
    _add_selection(forward)
    _add_shared(forward)
    forward.set_defaults(request_log=None)
    diff = directions.add_parser("diff", help="what differs between what two models came from")
    for name in ("old", "new"):
        diff.add_argument(name, metavar=name.upper(), help="a name as `back` takes it")
    shared.add_json(diff)
    diff.add_argument("--env", metavar="STAGE", help="in a stage (default: on this machine)")
    shared.add_runs(diff)
    diff.set_defaults(svg=None, request_log=None)


def _add_shared(parser: argparse.ArgumentParser) -> None:
    shared.add_json(parser)
    parser.add_argument("--env", metavar="STAGE", help="in a stage (default: on this machine)")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="draw the answer, too")
    shared.add_runs(parser)


def _add_selection(parser: argparse.ArgumentParser) -> None:
    selection = parser.add_mutually_exclusive_group(required=True)
    selection.add_argument("--data", metavar="DIGEST", help="of rows, as summary.json has it")
    selection.add_argument("--rows-from", metavar="DAY", help="rows of this day or later")
    selection.add_argument("--commit", metavar="SHA", help="all that its runs made themselves")
    selection.add_argument("--image", metavar="DIGEST", help="of the pipeline's image")
    selection.add_argument("--package", metavar="NAME[==VERSION]", help="of the lock")
    parser.add_argument(
        "--until", metavar="DAY", help="with --rows-from: the last day (default: it)"
    )
    parser.add_argument("--table", metavar="NAME", help="with --rows-from: of this table alone")
    parser.add_argument("--model", metavar="MODEL", help="this model alone (default: all)")


def run(options: argparse.Namespace) -> int:
    from pipeline import places

    svg = places.writable_file(options.svg, "--svg") if options.svg else None
    place = _place(options)
    if options.direction == "back":
        return _back(options, place, svg)
    if options.direction == "diff":
        return _diff(options, place)
    return _forward(options, place, svg)


def _back(options: argparse.Namespace, place: "Place", svg: Path | None) -> int:
    from pipeline.lineage import backward, picture, text

    at = _time(options.at) if options.at is not None else None
    before = environments()[options.env].promotes_from if options.env else None
    answer = backward.answer(place, options.what, at, before)
    _report(options, answer, text.of_backward(answer))
    if svg:
        _write(svg, picture.of_backward(answer))
    return shared.DONE


def _forward(options: argparse.Namespace, place: "Place", svg: Path | None) -> int:
    from pipeline.lineage import forward, picture, text

    models = _models(options, place)
    places = [place, *_other_stages(options)]
    question = _question(options, places, models)
    answer = forward.answer(places, models, question)
    _report(options, answer, text.of_forward(answer))
    if svg:
        _write(svg, picture.of_forward(answer))
    return shared.NO if answer.served else shared.DONE


def _diff(options: argparse.Namespace, place: "Place") -> int:
    from pipeline.differences import models, text

    names = [options.old, options.new]
    if options.env:
        import tempfile

        from pipeline.lineage.cloud_runs import CloudRuns

        with tempfile.TemporaryDirectory() as folder:
            runs = CloudRuns(shared.stage(options.env), place, Path(folder))
            summaries = [runs.summary(name) for name in names]
            answer = models.difference(summaries, runs.statistics)
    else:
        answer = _here(options, place, names)
    shared.report(options, text.of_models(answer), answer)
    return shared.DONE


def _here(options: argparse.Namespace, place: "Place", names: list[str]) -> dict[str, Any]:
    from functools import partial

    from pipeline import places
    from pipeline.differences import models
    from pipeline.lineage import asked
    from pipeline.local import run_names

    runs = places.folder(options.runs, "--runs")
    summaries = [run_names.summary(runs / asked.run(place, name)) for name in names]
    return models.difference(summaries, partial(models.statistics, runs))


def _report(options: argparse.Namespace, answer: "Backward | Forward", text: str) -> None:
    from pipeline.lineage.answer import as_json

    shared.report(options, text, as_json(answer))


def _write(file: Path, svg: str) -> None:
    from pipeline.local.store import write

    write(file, svg)


def _place(options: argparse.Namespace) -> "Place":
    if options.env is None:
        from pipeline import places
        from pipeline.lineage.here import Here
        from pipeline.serving.request_log.table import LogTable

        if options.request_log is not None:
            LogTable(options.request_log)  # which refuses what names no table
        return Here(places.folder(options.runs, "--runs"), options.request_log)
    if options.request_log is not None:
        raise ConfigurationError("--request-log goes without --env, whose stage has its own")
    from pipeline.lineage.cloud import Cloud

    return Cloud(shared.stage(options.env), model_names())


def _other_stages(options: argparse.Namespace) -> "list[Place]":
    """What else is asked forward: days are of one stage's table, all else may be in any stage."""
    if options.env is None or options.rows_from is not None:
        return []
    from pipeline.gcp.stage import Stage
    from pipeline.lineage.cloud import Cloud

    names = [name for name in environments() if name != options.env]
    return [Cloud(Stage(environments()[name]), model_names()) for name in names]


def _models(options: argparse.Namespace, place: "Place") -> list[str]:
    models = list(place.models())
    if options.model is None:
        return models
    if options.model not in models:
        allowed = ", ".join(models) or "none yet"
        raise ConfigurationError(f"--model is {shown(options.model)}, allowed are {allowed}")
    return [options.model]


def _question(options: argparse.Namespace, places: "list[Place]", models: list[str]) -> "Question":
    from pipeline.lineage import selection

    if options.rows_from is not None:
        first = shared.day("--rows-from", options.rows_from)
        last: date = first if options.until is None else shared.day("--until", options.until)
        return selection.of_rows(first, last, options.table)
    for flag in ("until", "table"):
        if getattr(options, flag) is not None:
            raise ConfigurationError(f"--{flag} goes with --rows-from, allowed is both or neither")
    makers: dict[str, Any] = {
        "data": selection.of_data,
        "commit": selection.of_commit,
        "image": selection.of_image,
        "package": selection.of_package,
    }
    [flag] = [name for name in makers if getattr(options, name) is not None]
    question: Question = makers[flag](getattr(options, flag), selection.facts(places, models))
    return question


def _time(text: str) -> datetime:
    """A time in UTC where it names no zone."""
    try:
        time = datetime.fromisoformat(text)
        return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:  # beyond the years 1 to 9999
        raise ConfigurationError(
            f"--at is {shown(text)}, allowed is a time as 2026-11-28T08:00:00"
        ) from error
