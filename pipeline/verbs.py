"""What each verb of the command line does, once it runs where TFX is."""

import argparse
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipeline import libraries, model_folder, watch
from pipeline.errors import ConfigurationError
from pipeline.records import tracking
from pipeline.serving import engine_process

DONE, FAILED, NO = 0, 1, 3


def run(options: argparse.Namespace) -> int:
    folder, runs = model_folder.load(options.model), options.runs.resolve()
    settled = watch.each_run(folder) if options.watch else lambda: folder
    with tracking.started(runs) as tracker, engine_process.ahead():  # they import their libraries while this process imports its own
        libraries.load()
        from pipeline import local_run

        summary = local_run.run(settled(), runs, tracker, tune=options.tune)
    if options.json:
        print(json.dumps(summary, indent=2))
    else:
        _print_summary(summary, runs / summary["run"])
    if summary["error"]:
        return FAILED
    return DONE if summary["decision"]["blessed"] else NO


def tune(options: argparse.Namespace) -> int:
    folder = model_folder.load(options.model)
    libraries.load()
    from pipeline import local_run

    best = local_run.tune(folder, options.runs.resolve())
    file, before = folder.path / "hyperparameters/best.json", folder.hyperparameters
    file.write_text(json.dumps(best, indent=2) + "\n")
    print(json.dumps(best) if options.json else f"{file}: {best} (before: {before})")
    return DONE


def schema(options: argparse.Namespace) -> int:
    folder = model_folder.load(options.model, without=("schema.pbtxt",))
    libraries.load()
    from pipeline import schema_inference

    file = folder.path / "schema.pbtxt"
    inferred = schema_inference.infer(folder)
    if options.write and not file.exists():
        file.write_text(inferred)
    difference = schema_inference.difference(file, inferred)
    print(
        json.dumps({"file": str(file), "difference": difference})
        if options.json
        else "\n".join(difference) or f"{file}: as inferred from the data"
    )
    return DONE


def predict(options: argparse.Namespace) -> int:
    folder = model_folder.load(options.model)
    libraries.load()
    from pipeline import prediction

    result = prediction.predict(folder, options.runs.resolve(), options.input.resolve(), options.output.resolve())
    print(json.dumps(result) if options.json else f"{result['rows']} rows answered by {result['model']}: {result['output']}")
    return DONE


def runs(options: argparse.Namespace) -> int:
    summaries = [json.loads(file.read_text()) for file in sorted(options.runs.glob("*/summary.json"))]
    if options.json:
        print(json.dumps(summaries))
        return DONE
    if not summaries:
        print(f"no run yet in {options.runs}; `make run` makes the first")
        return DONE
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("run", no_wrap=True)
    for heading in ("state", "blessed", "gate's metric", "seconds", "decision"):
        table.add_column(heading, overflow="fold")
    for s in summaries:
        checked = f"{s['gate'][0]['metric']} {s['gate'][0]['value']:.4f}" if s["gate"] and s["gate"][0]["value"] is not None else "–"
        table.add_row(
            s["run"], s["state"], "yes" if s["decision"]["blessed"] else "no", checked, f"{s['seconds']:.1f}", s["decision"]["reason"]
        )
    Console().print(table)
    return DONE


def compile_(options: argparse.Namespace) -> int:
    libraries.load()
    from pipeline import compilation

    files = compilation.compile_models(
        options.models,
        environment=options.env,
        image=options.image,
        serving_image=options.serving_image,
        end=options.end or str(datetime.now(UTC).date()),
        runs=options.runs.resolve(),
        output=options.output,
    )
    print(json.dumps([str(file) for file in files]) if options.json else "\n".join(map(str, files)))
    return DONE


def rehearse(options: argparse.Namespace) -> int:
    from pipeline import rehearsal

    result = rehearsal.rehearse_file(options.spec)
    print(
        json.dumps(result, indent=2)
        if options.json
        else f"blessed: {'yes' if result['blessed'] else 'no'}; published: {result['published'] or 'nothing'}"
    )
    return DONE if result["blessed"] else NO


def serve(options: argparse.Namespace) -> int:
    from pipeline.serving import saved_model, server

    if "/" in options.model:
        folder = Path(options.model).resolve()
    else:
        published = options.runs.resolve() / "store" / options.model / "published"
        newest = saved_model.newest(published)
        if newest is None:
            raise ConfigurationError(
                f"there is no published version of {options.model!r} in {published}: "
                f"run `python -m pipeline run {options.model}` first, or name a path that has a slash in it"
            )
        folder = newest
    server.serve(str(saved_model.check(folder)), host=options.host, port=options.port)
    return DONE


VERBS: dict[str, Callable[[argparse.Namespace], int]] = {
    "run": run,
    "tune": tune,
    "schema": schema,
    "predict": predict,
    "runs": runs,
    "compile": compile_,
    "rehearse": rehearse,
    "serve": serve,
}


def _print_summary(summary: dict[str, Any], folder: Path) -> None:
    for check in summary["gate"]:
        value = "no number" if check["value"] is None else f"{check['value']:.4f}"
        print(
            f"{check['metric']} ({check['slice']}): {value}, at least {check['lower_bound']}: {'holds' if check['holds'] else 'does not hold'}"
        )
    print(summary["decision"]["reason"])
    if summary["decision"]["published"]:
        print(f"model:  {summary['decision']['published']}")
    print(f"report: {folder}/report.html")
    print(f"log:    {folder}/log.txt")
