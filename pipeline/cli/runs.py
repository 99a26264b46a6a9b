"""`runs`: the runs and their decisions."""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline.cli.options import DONE, add_json, add_runs

HELP = "list the runs and their decisions"
COLUMNS = ("state", "blessed", "gate's metric", "seconds", "decision")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_json(parser)
    add_runs(parser)


def run(options: argparse.Namespace) -> int:
    from pipeline import places

    folder = places.folder(options.runs, "--runs")
    summaries = list(_summaries(folder))
    if options.json:
        print(json.dumps(summaries))
    elif summaries:
        _print_table(summaries)
    else:
        print(f"no run yet in {places.shown(options.runs)}; `make run` makes the first")
    return DONE


def _summaries(folder: Path) -> Iterator[dict[str, Any]]:
    """The runs' summaries in order; unreadable ones are named on standard error and left out."""
    for file in sorted(folder.glob("*/summary.json")):
        try:
            summary = json.loads(file.read_text(encoding="utf-8"))
            _cells(summary)
        except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
            print(f"{file} is left out, it is no summary ({error!r:.100})", file=sys.stderr)
        else:
            yield summary


def _print_table(summaries: list[dict[str, Any]]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("run", no_wrap=True)
    for heading in COLUMNS:
        table.add_column(heading, overflow="fold")
    for summary in summaries:
        table.add_row(*_cells(summary))
    Console().print(table)


def _cells(summary: dict[str, Any]) -> tuple[str, ...]:
    decision = summary["decision"]
    blessed, seconds = "yes" if decision["blessed"] else "no", f"{summary['seconds']:.1f}"
    return (
        summary["run"],
        summary["state"],
        blessed,
        _gate(summary["gate"]),
        seconds,
        decision["reason"],
    )


def _gate(checks: list[dict[str, Any]]) -> str:
    if not checks or checks[0]["value"] is None:
        return "–"
    return f"{checks[0]['metric']} {checks[0]['value']:.4f}"
