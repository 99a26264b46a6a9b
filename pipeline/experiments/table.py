"""The list of runs for people: a table in a terminal with room for it, else tab-separated lines."""

import shutil
import sys
from collections.abc import Iterable
from typing import Any

from pipeline.experiments import query
from pipeline.experiments.row import HERE, Row
from settings.values import printable

HEADINGS = ("run", "state", "blessed", "gate's metric", "seconds", "decision")
TRUTHS = {True: "yes", False: "no", None: "–"}
EMPTY = "–"
LEAST, GAP = 5, 2  # characters of a column, and between two


def show(rows: list[Row], names: Iterable[str], more: int) -> None:
    """Print the rows, with a column for each of `names`; `more` is how many are not shown."""
    extra = [name for name in dict.fromkeys(names) if _is_extra(name)]
    headings, lines = _lines(rows, extra)
    if sys.stdout.isatty() and _fits(headings, lines):
        _table(headings, lines)
    else:
        for line in (headings, *lines):
            print("\t".join(line))
    if more:
        print(f"{more:,} more: --limit 0 shows all", file=sys.stderr)


def _fits(headings: list[str], lines: list[list[str]]) -> bool:
    """Whether the terminal has room for whole ids, and some letters of each other column."""
    longest = max(len(run) for run, *_ in lines)
    columns = len(headings) - 1
    width = longest + columns * (GAP + LEAST) + GAP
    return width <= shutil.get_terminal_size().columns


def _is_extra(name: str) -> bool:
    return name not in ("run", "place", "state", "blessed", "seconds", query.TAG)


def _lines(rows: list[Row], extra: list[str]) -> tuple[list[str], list[list[str]]]:
    """Headings and cells; places and tags only where they tell something."""
    has_places = any(row.place != HERE for row in rows)
    has_tags = any(row.tags for row in rows)
    run, *others = HEADINGS
    optional = ["place"] * has_places + ["tags"] * has_tags
    headings = [_on_one_line(text) for text in (run, *optional, *extra, *others)]
    lines = []
    for row in rows:
        places = [row.place] * has_places
        tags = [", ".join(row.tags)] * has_tags
        values = [cell(query.value(row, name)) for name in extra]
        texts = [row.run, *places, *tags, *values, *_cells(row)]
        lines.append([_on_one_line(text) for text in texts])
    return headings, lines


def _on_one_line(text: str) -> str:
    """The text without what a terminal would obey, or no encoding has."""
    return printable(" ".join(text.split()))


def _cells(row: Row) -> list[str]:
    seconds = EMPTY if row.seconds is None else f"{row.seconds:.1f}"
    return [row.state, TRUTHS[row.blessed], _gate(row), seconds, row.decision]


def _gate(row: Row) -> str:
    if row.gate is None or row.metrics.get(row.gate) is None:
        return EMPTY
    return f"{row.gate} {row.metrics[row.gate]:.4f}"


def cell(value: Any) -> str:
    """A value as a table shows it."""
    if value is None:
        return EMPTY
    if isinstance(value, bool):
        return TRUTHS[value]
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _table(headings: list[str], lines: list[list[str]]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD)
    run, *others = headings
    table.add_column(run, no_wrap=True)
    for heading in others:
        table.add_column(heading, overflow="fold")
    for line in lines:
        table.add_row(*map(Text, line))
    Console().print(table)
