"""`runs import DIR`: takes over the runs that another tracker exported."""

import argparse
import json
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.cli.options import DONE, FAILED

if TYPE_CHECKING:
    from pipeline.experiments.imports.work import Result

HELP = "take over the runs that neptune-exporter wrote, or W&B offline"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "folder", type=Path, metavar="DIR", help="what neptune-exporter or W&B wrote"
    )
    parser.add_argument(
        "--files",
        type=Path,
        metavar="DIR",
        help="the exporter's --files-path (default: files beside the runs' folder)",
    )


def run(options: argparse.Namespace) -> int:
    from pipeline import places
    from pipeline.experiments.imports import origin, work
    from pipeline.progress import Progress

    runs = places.writable(places.folder(options.runs, "--runs"), "--runs")
    export = origin.read(options.folder, options.files)
    for sentence in export.others:
        print(sentence, file=sys.stderr)
    results = []
    with Progress(sys.stderr) as progress:
        for result in work.all_of(export, runs, progress):
            results.append(result)
            if not options.json:
                print(_line(result), flush=True)
            if result.reason:
                print(f"{result.source} is not imported: {result.reason}", file=sys.stderr)
    if options.json:
        print(json.dumps(_document(results, export.others), indent=2))
    else:
        print(_total(results))
    return FAILED if any(result.reason for result in results) else DONE


def _line(result: "Result") -> str:
    if result.run is None:
        return f"{result.outcome}: {result.source}"
    text = f"{result.outcome}: {result.run}: {_shown(result.counts.read)} read"
    for reason, rows in sorted(result.counts.left_out.items()):
        text += f"; {_shown(rows)} left out: {reason}"
    return text


def _shown(rows: Counter[str]) -> str:
    types = [f"{count:,} {type_}" for type_, count in sorted(rows.items())]
    listing = ", ".join(types)
    return f"{rows.total():,} rows ({listing})"


def _total(results: "list[Result]") -> str:
    total = _sum(results)
    outcomes = Counter(result.outcome for result in results)
    runs = [f"{count:,} {outcome}" for outcome, count in sorted(outcomes.items())]
    listing = ", ".join(runs)
    read = total.read.total()
    taken = total.taken.total()
    left_out = read - taken
    return f"runs: {listing}; {read:,} rows read = {taken:,} taken + {left_out:,} left out"


def _sum(results: "list[Result]") -> Any:
    from pipeline.experiments.imports.counts import Counts

    total = Counts()
    for result in results:
        total.add(result.counts)
    return total


def _document(results: "list[Result]", others: list[str]) -> dict[str, Any]:
    runs = [
        {
            "source": result.source,
            "outcome": result.outcome,
            "run": result.run,
            "reason": result.reason,
            "counts": result.counts.document(),
        }
        for result in results
    ]
    return {"runs": runs, "others": others, "counts": _sum(results).document()}
