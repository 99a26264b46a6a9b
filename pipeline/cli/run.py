"""`run MODEL`: the whole pipeline here."""

import argparse
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.cli.options import DONE, FAILED, NO, add_json, add_model, add_runs, day

if TYPE_CHECKING:
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
        "--watch",
        action="store_true",
        help="run again whenever one of the files that make the model is saved, until Ctrl-C",
    )


def run(options: argparse.Namespace) -> int:
    from pipeline import places
    from pipeline.local import watch
    from pipeline.model.folder import ModelFolder

    model = ModelFolder.load(options.model)
    options.until = None if options.until is None else day("--until", options.until)
    options.runs = places.writable(places.artifacts_folder(options.runs, "--runs"), "--runs")
    options.signer = _signer(options.signing_key)
    if options.watch:
        watch.run_at_each_save(model, partial(_run_once, options))
    return _run_once(options, lambda: model)


def _run_once(options: argparse.Namespace, next_folder: "Callable[[], ModelFolder]") -> int:
    """Run the folder that `next_folder` loads, once the libraries are there."""
    from pipeline.job import startup
    from pipeline.reports import tracking
    from pipeline.serving import engine_process

    store = options.runs
    # Both import their libraries while this process imports its own.
    with tracking.started(store) as tracker, engine_process.spare_engine():
        startup.load()
        from pipeline.local import runs

        folder = next_folder()
        summary = runs.run(
            folder,
            store,
            tracker,
            tune=options.tune,
            until=options.until,
            signer=options.signer,
        )
    if options.json:
        print(json.dumps(summary, indent=2))
    else:
        _print_summary(summary, store / summary["run"])
    if summary["error"]:
        return FAILED
    return DONE if summary["decision"]["blessed"] else NO


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
