"""`runs`: the runs and their decisions."""

import argparse
import json
from typing import Any

from pipeline.cli.options import DONE, add_json, add_runs

HELP = "list the runs and their decisions"
COLUMNS = ("state", "blessed", "gate's metric", "seconds", "decision")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_json(parser)
    add_runs(parser)


def run(options: argparse.Namespace) -> int:
    files = sorted(options.runs.glob("*/summary.json"))
    summaries = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    if options.json:
        print(json.dumps(summaries))
    elif summaries:
        _print_table(summaries)
    else:
        print(f"no run yet in {options.runs}; `make run` makes the first")
    return DONE


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
