"""`monitor`: judges what served models are asked, and takes a person's word for a change."""

import argparse
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline import places
from pipeline.cli import options as shared
from pipeline.errors import ConfigurationError, RunError
from settings.stages import environments
from settings.values import shown

if TYPE_CHECKING:
    from pipeline.monitoring.place import Place
    from pipeline.monitoring.watch import Watched
    from pipeline.progress import Observer

HELP = "compare the logged requests with the training rows: faults, drift, a log that loses rows"
ALL = "all"
EARLIEST = date(2000, 1, 1)
LONGEST_SINCE = timedelta(days=366)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    shared.add_json(parser)
    parser.add_argument("model", nargs="?", metavar="MODEL", help="one model's name")
    parser.add_argument("--models", help="all, or names joined by commas (default in a stage: all)")
    parser.add_argument(
        "--model",
        dest="model_by_flag",
        metavar="MODEL",
        help="one model's name, as --accept has it",
    )
    _add_place(parser)
    parser.add_argument(
        "--date", metavar="DAY", help="the last day to judge, as 2026-03-31 (default: yesterday)"
    )
    parser.add_argument(
        "--since", metavar="DAY", help="judge each day from this one on, to fill days in"
    )
    parser.add_argument(
        "--verdict-succeeds",
        action="store_true",
        help="end with 0 where somebody is needed: for a trigger's build, which is no failure then",
    )
    parser.add_argument(
        "--request-retraining",
        choices=("yes", "no"),
        default="no",
        help="ask for a retraining where a drift lasts; here: say by which command (default: no)",
    )
    _add_acceptance(parser)
    shared.add_runs(parser, holds="published versions and pages")


def _add_place(parser: argparse.ArgumentParser) -> None:
    place = parser.add_mutually_exclusive_group(required=True)
    place.add_argument("--env", help="a stage of environments.py")
    place.add_argument(
        "--request-log",
        metavar="PROJECT.DATASET.TABLE",
        help="the log of a server of one's own; what the monitor makes is kept in its dataset",
    )
    place.add_argument(
        "--overview",
        action="store_true",
        help="judge nothing, and show the verdicts of all stages, in RUNS/monitoring/index.html",
    )
    parser.add_argument(
        "--server",
        metavar="URL",
        help="with --request-log: the server, whose /metrics say what it answered",
    )
    parser.add_argument(
        "--legacy-model",
        metavar="NAME",
        help="with --request-log: the log is AI Platform's, of which this model's rows are counted; "
        "its version v1 is the published version 1",
    )


def _add_acceptance(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("a change that is meant")
    group.add_argument(
        "--accept", metavar="FEATURE", help="take a column's change as meant, and alert nobody"
    )
    group.add_argument("--until", metavar="DAY", help="its last day, at most a year ahead")
    group.add_argument("--because", metavar="TEXT", help="the reason, for whoever reads the page")


def run(options: argparse.Namespace) -> int:
    _check_names(options)
    _check_log(options)
    _check_acceptance(options)
    if options.accept is not None:
        return _accept(options)
    days = _days(options)
    if options.overview:
        return _overview(options, days[-1])
    models = _models(options)
    place = _place(options)
    from pipeline.monitoring.pages import overview_page
    from pipeline.progress import Progress

    failures: dict[str, str] = {}
    may_retrain = options.request_retraining == "yes"
    with Progress(sys.stderr) as progress:
        watched = [
            part
            for model in models
            if (part := _watch(place, model, days, progress, failures, may_retrain=may_retrain))
        ]
        if watched:
            overview_page.write(place, days[-1])
    failures |= {part.model: part.failure for part in watched if part.failure}
    _report(options, watched, failures)
    if failures:
        return shared.FAILED
    rows = [row for part in watched for row in part.rows]
    needs_someone = any(row.verdict.needs_someone for row in rows)
    return shared.NO if needs_someone and not options.verdict_succeeds else shared.DONE


def _watch(
    place: "Place",
    model: str,
    days: list[date],
    observer: "Observer",
    failures: dict[str, str],
    *,
    may_retrain: bool,
) -> "Watched | None":
    """One model; its failure does not stop the others."""
    from pipeline.monitoring.watch import watch

    try:
        return watch(place, model, days, observer, may_retrain=may_retrain)
    except (RunError, ConfigurationError) as error:
        failures[model] = str(error)
        return None


def _check_names(options: argparse.Namespace) -> None:
    """Raise ConfigurationError unless the models are named as their place allows."""
    names = (options.model, options.models, options.model_by_flag)
    count = len([name for name in names if name is not None])
    if options.overview and (count or options.accept is not None):
        raise ConfigurationError("--overview is of all models of all stages, allowed is it alone")
    if count > 1 or (options.request_log and not count):
        raise ConfigurationError("name the models once: MODEL, --model MODEL or --models NAMES")


def _check_log(options: argparse.Namespace) -> None:
    """Raise ConfigurationError for a flag of a log where none is named."""
    flags = {"--server": options.server, "--legacy-model": options.legacy_model}
    for flag, value in flags.items():
        if value is not None and options.request_log is None:
            raise ConfigurationError(f"{flag} is {shown(value)}, allowed only with --request-log")
    if options.legacy_model == "":
        raise ConfigurationError("--legacy-model is empty, allowed is a model's name in the log")


def _check_acceptance(options: argparse.Namespace) -> None:
    """Raise ConfigurationError for an acceptance in part, or with a flag of a judgement."""
    for flag, value in {"--until": options.until, "--because": options.because}.items():
        if (value is None) != (options.accept is None):
            raise ConfigurationError(f"--accept and {flag} are allowed only together")
    for flag, value in {"--date": options.date, "--since": options.since}.items():
        if value is not None and options.accept is not None:
            raise ConfigurationError(f"{flag} is {shown(value)}, --accept is allowed without it")


def _models(options: argparse.Namespace) -> list[str]:
    names = (options.model, options.model_by_flag, options.models)
    text = next((name for name in names if name is not None), ALL)
    return shared.asked_models(text) if options.env else [_published(options, text)]


def _published(options: argparse.Namespace, name: str) -> str:
    """The model by its name or its folder's path; raises ConfigurationError if it is not served."""
    from pipeline.serving import saved_model

    name = Path(name).name if "/" in name else name
    published = options.runs / "store" / name / "published"
    if not name or saved_model.newest(published) is None:
        raise ConfigurationError(
            f"there is no published version of {shown(name)} in {places.shown(published)}, "
            "allowed with --request-log is one model that `python3 -m pipeline run` has published"
        )
    return name


def _days(options: argparse.Namespace) -> list[date]:
    """The last days of the windows to judge."""
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    last = shared.day("--date", options.date) if options.date is not None else yesterday
    if not EARLIEST <= last <= yesterday:
        raise ConfigurationError(
            f"--date is {last}, allowed is a day that has ended in UTC, "
            f"from {EARLIEST} to {yesterday}"
        )
    first = shared.day("--since", options.since) if options.since is not None else last
    if not last - LONGEST_SINCE <= first <= last:
        raise ConfigurationError(
            f"--since is {first}, allowed is a day from {last - LONGEST_SINCE} to {last}"
        )
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def _place(options: argparse.Namespace) -> "Place":
    if options.env:
        stage = shared.stage(options.env)
        from pipeline.monitoring.cloud import Cloud

        return Cloud(stage)
    from pipeline.monitoring import server_metrics
    from pipeline.monitoring.machine import Machine
    from pipeline.serving.request_log.table import LogTable

    log = LogTable(options.request_log)
    runs: Path = places.artifacts_folder(options.runs, "--runs")
    metrics = server_metrics.read(options.server) if options.server is not None else None
    return Machine(runs, log, metrics, options.legacy_model)


def _accept(options: argparse.Namespace) -> int:
    ends_on = shared.day("--until", options.until)
    [model] = _one(_models(options))
    place = _place(options)
    from pipeline.monitoring import accepting

    acceptance = accepting.accept(place, model, options.accept, ends_on, options.because)
    text = f"{model}: a change of {acceptance.feature} is {acceptance}"
    result = {"model": model, "feature": acceptance.feature, "until": str(acceptance.ends_on)}
    shared.report(options, text, result)
    return shared.DONE


def _overview(options: argparse.Namespace, last: date) -> int:
    """The overview of all stages that this account may read."""
    folder = places.artifacts_folder(options.runs, "--runs") / "monitoring"
    places.writable(folder, "--runs")
    from pipeline.gcp.stage import Stage
    from pipeline.monitoring.cloud import Cloud
    from pipeline.monitoring.pages import overview_page

    stages = [Cloud(Stage(settings)) for settings in environments().values()]
    content, failures = overview_page.of_all(stages, last)
    for failure in failures:
        print(f"python -m pipeline monitor: {failure}", file=sys.stderr)
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{overview_page.NAME}.html"
    file.write_text(content, encoding="utf-8")
    shared.report(options, f"overview: {file}", {"overview": str(file), "failures": failures})
    return shared.FAILED if failures else shared.DONE


def _one(models: list[str]) -> list[str]:
    if len(models) != 1:
        raise ConfigurationError(f"--accept is of one model, {len(models)} are named")
    return models


def _report(
    options: argparse.Namespace, watched: "list[Watched]", failures: dict[str, str]
) -> None:
    from pipeline.monitoring import told

    lines: list[str] = []
    results: list[dict[str, Any]] = []
    for part in watched:
        lines += [told.line(row) for row in part.rows]
        results += [told.as_json(row) for row in part.rows]
        if not part.rows:
            lines.append(f"{part.model}: skipped: {part.reason}")
            results.append({"model": part.model, "verdict": None, "sentence": part.reason})
        lines += [f"  {note}" for note in part.notes]
    for model, sentence in failures.items():
        print(f"python -m pipeline monitor: {model}: {sentence}", file=sys.stderr)
        results.append({"model": model, "verdict": None, "failure": sentence})
    shared.report(options, "\n".join(lines), results)
