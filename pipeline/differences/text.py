"""Differences for people, the most telling first."""

from collections.abc import Iterable, Iterator, Sequence
from math import isnan
from typing import Any

from pipeline.differences.models import GROUPS, RECORDS
from settings.values import printable

SHOWN = 10  # columns of a split
LONGEST = 60  # lines of a diff in a terminal
NAMED = 5  # categories of a column
ABSENT = "–"

Json = dict[str, Any]
Number = float | None


def of_models(answer: Json, is_cut: bool = False) -> str:
    """The differences of runs; `is_cut` leaves the end of a long diff out."""
    return _joined(_of_models(answer, is_cut))


def of_data(splits: Json) -> str:
    if not splits:
        return "nothing could be compared: no split is in the statistics of both runs"
    return _joined(_of_splits(splits))


def _joined(lines: Iterable[str]) -> str:
    """The lines; a category or a name may hold any character, and none may begin another line."""
    return "\n".join(map(printable, lines))


def _of_models(answer: Json, is_cut: bool) -> Iterator[str]:
    yield beside(answer["runs"])
    if answer["models"]:
        yield f"model: {beside(answer['models'])}"
    yield from _of_metrics(answer["metrics"])
    for name in (*RECORDS, "packages"):
        noun = name.replace("_", " ")
        for key, values in answer[name].items():
            yield f"{noun}: {key} {beside(values)}"
    yield from _of_data(answer)
    yield from _of_code(answer, is_cut)
    for sentence in answer["unknown"]:
        yield f"not compared: {sentence}"
    if not has_differences(answer):
        yield "nothing that could be compared differs" if answer["unknown"] else "nothing differs"


def has_differences(answer: Json) -> bool:
    groups = (*GROUPS, "curves")
    return any(answer.get(name) for name in groups)


def beside(values: Sequence[Any]) -> str:
    """The first run's value, and the others' beside each other."""
    first, *others = map(shown, values)
    after = " | ".join(others)
    return f"{first} -> {after}"


def shown(value: Any) -> str:
    return ABSENT if value is None else printable(f"{value!s:.80}")


def _of_metrics(slices: Json) -> Iterator[str]:
    for part, metrics in slices.items():
        for name, metric in metrics.items():
            changes = [None, *metric["changes"]]
            columns = zip(metric["values"], changes, metric["intervals"], strict=True)
            values = [measured(*column) for column in columns]
            yield f"{name} ({part}): {beside(values)}"


def measured(value: Number, change: Number, interval: Sequence[float] | None) -> str:
    """A metric's value, with its change and its interval where there are any."""
    notes = []
    if change is not None:
        notes.append(delta(change))
    if interval:
        low, high = interval
        notes.append(f"95 %: {figure(low)} to {figure(high)}")
    text = figure(value)
    return f"{text} ({', '.join(notes)})" if notes else text


def figure(value: Number) -> str:
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
    is_readable = 1 < abs(value) < 1e15
    return is_readable and value == round(value)


def _of_data(answer: Json) -> Iterator[str]:
    data = answer["data"]
    if not data:
        return
    for key, values in data["records"].items():
        yield f"data: {key} {beside(values)}"
    _, *others = answer["runs"]
    for run, splits in zip(others, data["splits"], strict=True):
        if splits and len(others) > 1:
            yield f"rows of {run}:"
        yield from _of_splits(splits)


def _of_code(answer: Json, is_cut: bool) -> Iterator[str]:
    code = answer["code"]
    if not code:
        return
    _, *others = answer["runs"]
    for run, files, diff in zip(others, code["files"], code["diffs"], strict=True):
        if not files:
            continue
        names = ", ".join(files)
        yield f"code of {run}: {names}" if len(others) > 1 else f"code: {names}"
        yield from _of_diff(diff.splitlines(), LONGEST if is_cut else None)


def _of_diff(lines: list[str], longest: int | None) -> Iterator[str]:
    for line in lines[:longest]:
        yield line.expandtabs(4)
    if longest and len(lines) > longest:
        hidden = len(lines) - longest
        yield f"and {hidden:,} more lines, which a pipe (| less) and --json show"


def _of_splits(splits: Json) -> Iterator[str]:
    for split, change in splits.items():
        old_rows, new_rows = change["rows"]
        yield f"{split}: {old_rows:,} -> {new_rows:,} rows, {change['equal']} columns equal"
        for name in ("gone", "new"):
            if change[name]:
                yield f"  {name}: {', '.join(change[name])}"
        columns = change["columns"]
        for column in columns[:SHOWN]:
            name = column["name"]
            yield f"  {name}: {of_column(column)}"
        if hidden := columns[SHOWN:]:
            yield f"  and {len(hidden)} more columns, which --json names"


def of_column(column: Json) -> str:
    """How a column differs."""
    return "; ".join(_of_column(column))


def _of_column(column: Json) -> Iterator[str]:
    distance = column["distance"]
    if distance is not None:
        yield f"{distance:.4f} bits"
    old_missing, new_missing = column["missing"]
    if old_missing != new_missing:
        yield f"missing {old_missing:.1%} -> {new_missing:.1%}"
    old_type, new_type = column["type"]
    if old_type != new_type:
        yield f"type {old_type} -> {new_type}"
    if "figures" in column:
        figures = column["figures"]
        old_mean, new_mean = map(_mean, figures["mean"])
        yield f"mean {old_mean} -> {new_mean}"
    for name in ("new", "gone"):
        if categories := column.get(name):
            names = ", ".join(categories[:NAMED])
            yield f"{name}: {names}"


def _mean(value: Number) -> str:
    return ABSENT if value is None or isnan(value) else f"{value:.4g}"
