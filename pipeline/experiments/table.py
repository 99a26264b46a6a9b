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
    distinct_names = dict.fromkeys(names)
    extra = [name for name in distinct_names if _is_extra(name)]
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
    lengths = [len(run) for run, *_ in lines]
    _, *others = headings
    least = LEAST * len(others)
    gaps = GAP * len(headings)
    width = max(lengths) + least + gaps
    terminal = shutil.get_terminal_size()
    return width <= terminal.columns


def _is_extra(name: str) -> bool:
    return name not in ("run", "place", "state", "blessed", "seconds", query.TAG)


def _lines(rows: list[Row], extra: list[str]) -> tuple[list[str], list[list[str]]]:
    """Headings and cells; places and tags only where they tell something."""
    optional = []
    if any(row.place != HERE for row in rows):
        optional.append("place")
    if any(row.tags for row in rows):
        optional.append("tags")
    run, *others = HEADINGS
    headings = _line(run, *optional, *extra, *others)
    lines = []
    for row in rows:
        tags = ", ".join(row.tags)
        facts = {"place": row.place, "tags": tags}
        optional_cells = [facts[name] for name in optional]
        values = [query.value(row, name) for name in extra]
        cells = [row.run, *optional_cells, *map(cell, values), *_cells(row)]
        line = _line(*cells)
        lines.append(line)
    return headings, lines


def _line(*cells: str) -> list[str]:
    """The cells without what a terminal would obey, or no encoding has."""
    words = [cell.split() for cell in cells]
    texts = map(" ".join, words)
    return [printable(text) for text in texts]


def _cells(row: Row) -> list[str]:
    seconds = EMPTY if row.seconds is None else f"{row.seconds:.1f}"
    blessed = TRUTHS[row.blessed]
    gate = _gate(row)
    return [row.state, blessed, gate, seconds, row.decision]


def _gate(row: Row) -> str:
    if row.gate is None:
        return EMPTY
    value = row.metrics.get(row.gate)
    return EMPTY if value is None else f"{row.gate} {value:.4f}"


def cell(value: Any) -> str:
    """A value as a table shows it."""
    if value is None:
        return EMPTY
    if isinstance(value, bool):
        return TRUTHS[value]
    if isinstance(value, float):
        return f"{value:.4g}"
    return str(value)


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
