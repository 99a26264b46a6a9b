"""Differences for people, the most telling first."""

from collections.abc import Iterator, Sequence
from math import isnan
from typing import Any

from pipeline.differences.models import GROUPS, RECORDS
from settings.values import printable

SHOWN = 10  # columns of a split
LONGEST = 60  # lines of a diff in a terminal
ABSENT = "–"
Json = dict[str, Any]


def of_models(answer: Json, is_cut: bool = False) -> str:
    """The differences of runs; `is_cut` leaves the end of a long diff out."""
    return "\n".join(_of_models(answer, is_cut))


def of_data(splits: Json) -> str:
    if not splits:
        return "nothing could be compared: no split is in the statistics of both runs"
    return "\n".join(_of_splits(splits))


def _of_models(answer: Json, is_cut: bool) -> Iterator[str]:
    yield beside(answer["runs"])
    if answer["models"]:
        yield f"model: {beside(answer['models'])}"
    yield from _of_metrics(answer["metrics"])
    for name in (*RECORDS, "packages"):
        for key, values in answer[name].items():
            yield f"{name.replace('_', ' ')}: {key} {beside(values)}"
    yield from _of_data(answer)
    yield from _of_code(answer, is_cut)
    for sentence in answer["unknown"]:
        yield f"not compared: {printable(sentence)}"
    if not has_differences(answer):
        yield "nothing that could be compared differs" if answer["unknown"] else "nothing differs"


def has_differences(answer: Json) -> bool:
    return any(answer.get(name) for name in (*GROUPS, "curves"))


def beside(values: Sequence[Any]) -> str:
    """The first run's value, and the others' beside each other."""
    first, *others = map(shown, values)
    return f"{first} -> {' | '.join(others)}"


def shown(value: Any) -> str:
    return ABSENT if value is None else printable(f"{value!s:.80}")


def _of_metrics(slices: Json) -> Iterator[str]:
    for part, metrics in slices.items():
        for name, metric in metrics.items():
            changes = [None, *metric["changes"]]
            columns = zip(metric["values"], changes, metric["intervals"], strict=True)
            yield f"{name} ({part}): {beside([measured(*column) for column in columns])}"


def measured(value: float | None, change: float | None, interval: Sequence[float] | None) -> str:
    """A metric's value, with its change and its interval where there are any."""
    notes = []
    if change is not None:
        notes.append(delta(change))
    if interval:
        low, high = interval
        notes.append(f"95 %: {figure(low)} to {figure(high)}")
    return f"{figure(value)} ({', '.join(notes)})" if notes else figure(value)


def figure(value: float | None) -> str:
    if value is None:
        return ABSENT
    if _is_count(value):
        return f"{value:,.0f}"
    is_plain = value == 0 or 0.001 <= abs(value) < 1e6
    return f"{value:.4f}" if is_plain else f"{value:.4g}"


def delta(change: float) -> str:
    if _is_count(change):
        return f"{change:+,.0f}"
    is_plain = change == 0 or 5e-5 <= abs(change) < 1e6
    return f"{change:+.4f}" if is_plain else f"{change:+.2g}"


def _is_count(value: float) -> bool:
    return 1 < abs(value) < 1e15 and value == round(value)


def _of_data(answer: Json) -> Iterator[str]:
    if not answer["data"]:
        return
    for key, values in answer["data"]["records"].items():
        yield f"data: {key} {beside(values)}"
    for run, splits in zip(answer["runs"][1:], answer["data"]["splits"], strict=True):
        if splits and len(answer["runs"]) > 2:
            yield f"rows of {run}:"
        yield from _of_splits(splits)


def _of_code(answer: Json, is_cut: bool) -> Iterator[str]:
    code = answer["code"]
    if not code:
        return
    others = answer["runs"][1:]
    for run, files, diff in zip(others, code["files"], code["diffs"], strict=True):
        if files:
            of_run = f" of {run}" if len(others) > 1 else ""
            yield f"code{of_run}: {', '.join(map(printable, files))}"
            yield from _of_diff(diff.splitlines(), LONGEST if is_cut else None)


def _of_diff(lines: list[str], longest: int | None) -> Iterator[str]:
    for line in lines[:longest]:
        yield printable(line.expandtabs(4))
    if longest and len(lines) > longest:
        yield f"and {len(lines) - longest:,} more lines, which a pipe (| less) and --json show"


def _of_splits(splits: Json) -> Iterator[str]:
    for split, change in splits.items():
        old_rows, new_rows = change["rows"]
        yield f"{split}: {old_rows:,} -> {new_rows:,} rows, {change['equal']} columns equal"
        for name in ("gone", "new"):
            if change[name]:
                yield f"  {name}: {', '.join(change[name])}"
        for column in change["columns"][:SHOWN]:
            yield f"  {column['name']}: {of_column(column)}"
        if hidden := len(change["columns"][SHOWN:]):
            yield f"  and {hidden} more columns, which --json names"


def _mean(value: float | None) -> str:
    return ABSENT if value is None or isnan(value) else f"{value:.4g}"


def of_column(column: Json) -> str:
    """How a column differs."""
    parts = []
    if column["distance"] is not None:
        parts.append(f"{column['distance']:.4f} bits")
    old_missing, new_missing = column["missing"]
    if old_missing != new_missing:
        parts.append(f"missing {old_missing:.1%} -> {new_missing:.1%}")
    old_type, new_type = column["type"]
    if old_type != new_type:
        parts.append(f"type {old_type} -> {new_type}")
    if "figures" in column:
        before, after = map(_mean, column["figures"]["mean"])
        parts.append(f"mean {before} -> {after}")
    for name in ("new", "gone"):
        if column.get(name):
            parts.append(f"{name}: {', '.join(column[name][:5])}")
    return "; ".join(parts)
