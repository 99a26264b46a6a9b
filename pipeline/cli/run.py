"""`run MODEL`: the whole pipeline here."""

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.cli.options import DONE, FAILED, NO, add_json, add_model, add_runs, add_set, day
from pipeline.errors import ConfigurationError, RunError

if TYPE_CHECKING:
    from pipeline.experiments.trials import Trial
    from pipeline.model.folder import ModelFolder
    from pipeline.provenance.envelope import Signer

HELP = "run the whole pipeline here, resuming what an earlier run left"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_model(parser)
    add_json(parser)
    add_runs(parser)
    parser.add_argument(
        "--tune",
        action="store_true",
        help="search hyperparameters instead of importing best.json",
    )
    add_set(parser, ". KEY=VALUE,VALUE makes a run of each value")
    parser.add_argument(
        "--tag",
        action="append",
        default=[],
        metavar="TEXT",
        help="mark the run, to find it in `runs`; repeatable",
    )
    parser.add_argument(
        "--until",
        metavar="DATE",
        help="take the rows of data.window_days days that end before DATE, YYYY-MM-DD in UTC "
        "(default: all rows)",
    )
    parser.add_argument(
        "--signing-key",
        type=Path,
        metavar="FILE",
        help="sign the run's provenance.json by the private key in this PEM file (default: none)",
    )
    parser.add_argument(
        "--tracker",
        metavar="URL",
        help="keep the run's records on a team's own mlflow server, or here for runs/mlflow.db "
        "(default: MLFLOW_TRACKING_URI, or here)",
    )
    parser.add_argument(
        "--watch",
        action="store_true",
        help="run again whenever one of the files that make the model is saved, until Ctrl-C",
    )


def run(options: argparse.Namespace) -> int:
    from pipeline import places
    from pipeline.experiments import tags, trials
    from pipeline.local import watch
    from pipeline.model.folder import ModelFolder
    from pipeline.tracking import address

    options.tracker = address.chosen(options.tracker)
    model = ModelFolder.load(options.model)
    all_trials = trials.of(options.set, model)
    options.tags = [tags.checked(text) for text in options.tag]
    _refuse_together(options, len(all_trials))
    options.until = None if options.until is None else day("--until", options.until)
    options.runs = places.writable(places.artifacts_folder(options.runs, "--runs"), "--runs")
    options.signer = _signer(options.signing_key)
    if len(all_trials) > 1:
        return _sweep(options, model, all_trials)
    [trial] = all_trials
    if options.watch:
        watch.run_at_each_save(model, partial(_run_once, options, trial))
    return _run_once(options, trial, lambda: model)


def _refuse_together(options: argparse.Namespace, runs: int) -> None:
    if options.set and options.tune:
        raise ConfigurationError("--set goes without --tune, which searches the hyperparameters")
    if runs > 1 and options.watch:
        raise ConfigurationError("--watch takes one value of each --set, allowed is no list")


def _sweep(options: argparse.Namespace, model: "ModelFolder", all_trials: "list[Trial]") -> int:
    """Run every trial in turn, and show them together at the end."""
    from pipeline.experiments import trials
    from pipeline.local import sweep
    from pipeline.provenance import code_files
    from settings import REPOSITORY

    count = len(all_trials)
    digests = code_files.digests(REPOSITORY, model)
    print(f"{count} runs of {model.name}", file=sys.stderr)

    def run_once(trial: "Trial") -> tuple[int, dict[str, Any]]:
        values = ", ".join(f"{name} {value}" for name, value in trial.items())
        number = all_trials.index(trial) + 1
        print(f"run {number} of {count}: {values}", file=sys.stderr)
        # What this process holds is what the files were; a run records what they are.
        if code_files.digests(REPOSITORY, model) != digests:
            raise RunError("files that train have changed since the first run: begin again")
        summary = _summary(options, trial, lambda: model)
        return _code(summary), summary

    ended = list(sweep.run_in_turn(all_trials, run_once))
    for each in ended:
        if each.code < 0:
            values = " ".join(trials.texts(each.trial))
            print(f"the run of {values} was ended by signal {-each.code}", file=sys.stderr)
    summaries = [each.summary for each in ended if each.summary is not None]
    if options.json:
        print(json.dumps(summaries, indent=2))
    else:
        _show_sweep(options, summaries, list(all_trials[0]))
    codes = {each.code for each in ended}
    if sweep.INTERRUPTED in codes or len(ended) < count:
        print(f"interrupted; {len(summaries)} of {count} runs are finished", file=sys.stderr)
        return sweep.INTERRUPTED
    if codes - {DONE, NO}:
        return FAILED
    return DONE if DONE in codes else NO


def _show_sweep(
    options: argparse.Namespace, summaries: list[dict[str, Any]], names: list[str]
) -> None:
    """The runs, the best by the gate's metric first."""
    from pipeline.experiments import query, row, table

    tags = tuple(options.tags)
    rows = [row.of_summary(each, row.HERE, each["run"], tags) for each in summaries]
    gate = next((each.gate for each in rows if each.gate), None)
    if rows:
        table.show(query.ordered(rows, gate and f"-metrics.{gate}"), names, 0)


def _run_once(
    options: argparse.Namespace, trial: "Trial", next_folder: "Callable[[], ModelFolder]"
) -> int:
    summary = _summary(options, trial, next_folder)
    if options.json:
        print(json.dumps(summary, indent=2))
    else:
        _print_summary(summary, options.runs / summary["run"])
    return _code(summary)


def _code(summary: Mapping[str, Any]) -> int:
    if summary["error"]:
        return FAILED
    return DONE if summary["decision"]["blessed"] else NO


def _summary(
    options: argparse.Namespace, trial: "Trial", next_folder: "Callable[[], ModelFolder]"
) -> dict[str, Any]:
    """Run the folder that `next_folder` loads, once the libraries are there."""
    from pipeline.job import startup
    from pipeline.serving import engine_process
    from pipeline.tracking import sender

    store = options.runs
    # Both import their libraries while this process imports its own.
    with sender.started(store, options.tracker) as tracker, engine_process.spare_engine():
        startup.load()
        from pipeline.local import runs

        folder = next_folder().with_hyperparameters(trial)
        return runs.run(
            folder,
            store,
            tracker,
            tune=options.tune,
            until=options.until,
            signer=options.signer,
            marks=options.tags,
        )


def _signer(file: Path | None) -> "Signer | None":
    """The key in the file; refused before anything is trained."""
    if file is None:
        return None
    from pipeline.provenance import key_file

    return key_file.private(file, "--signing-key")


def _print_summary(summary: dict[str, Any], folder: Path) -> None:
    for check in summary["gate"]:
        value = "no number" if check["value"] is None else f"{check['value']:.4f}"
        verdict = "holds" if check["holds"] else "does not hold"
        bound = f"{check['metric']} ({check['slice']}): {value}, at least {check['lower_bound']}"
        print(f"{bound}: {verdict}")
    if summary["newer_rows"]:
        print(summary["newer_rows"]["sentence"])
    print(summary["decision"]["reason"])
    if summary["decision"]["published"]:
        print(f"model:  {summary['decision']['published']}")
    print(f"report: {folder}/report.html")
    print(f"log:    {folder}/log.txt")
