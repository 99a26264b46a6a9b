"""Differences for people, the most telling first."""

from collections.abc import Iterator
from typing import Any

SHOWN = 10  # columns of a split
Json = dict[str, Any]


def of_models(answer: Json) -> str:
    return "\n".join(_of_models(answer))


def of_data(splits: Json) -> str:
    return "\n".join(_of_splits(splits)) or "no column differs"


def _of_models(answer: Json) -> Iterator[str]:
    old, new = answer["runs"]
    yield f"{old} -> {new}"
    yield from _of_metrics(answer["metrics"])
    for name in ("hyperparameters", "training", "model_type", "packages"):
        for key, (before, after) in answer[name].items():
            yield f"{name.replace('_', ' ')}: {key} {_shown(before)} -> {_shown(after)}"
    if answer["data"]:
        for key, (before, after) in answer["data"]["records"].items():
            yield f"data: {key} {_shown(before)} -> {_shown(after)}"
        yield from _of_splits(answer["data"]["splits"])
    if answer["code"]:
        yield f"code: {', '.join(answer['code']['files'])}"
        yield from answer["code"]["diff"].splitlines()
    for sentence in answer["unknown"]:
        yield f"not compared: {sentence}"
    differing = [name for name in ("metrics", "code", "data") if answer[name]]
    if not differing:
        yield "the same code, rows and figures"


def _of_metrics(slices: Json) -> Iterator[str]:
    for part, metrics in slices.items():
        for name, metric in metrics.items():
            before, after = metric["values"]
            change = "" if metric["change"] is None else f" ({metric['change']:+.4f})"
            interval = metric["intervals"][1]
            range_ = f", 95 %: {interval[0]:.4f} to {interval[1]:.4f}" if interval else ""
            yield f"{name} ({part}): {_shown(before)} -> {_shown(after)}{change}{range_}"


def _of_splits(splits: Json) -> Iterator[str]:
    for split, change in splits.items():
        old_rows, new_rows = change["rows"]
        yield f"{split}: {old_rows:,} -> {new_rows:,} rows, {change['equal']} columns equal"
        for name in ("gone", "new"):
            if change[name]:
                yield f"  {name}: {', '.join(change[name])}"
        for column in change["columns"][:SHOWN]:
            yield f"  {_of_column(column)}"
        if hidden := len(change["columns"][SHOWN:]):
            yield f"  and {hidden} more columns, which --json names"


def _of_column(column: Json) -> str:
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
        before, after = column["figures"]["mean"]
        parts.append(f"mean {before:.4g} -> {after:.4g}")
    for name in ("new", "gone"):
        if column.get(name):
            parts.append(f"{name}: {', '.join(column[name][:5])}")
    return f"{column['name']}: {'; '.join(parts)}"


def _shown(value: Any) -> str:
    return f"{value:.4f}" if isinstance(value, float) else f"{value!s:.80}"
