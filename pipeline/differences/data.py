"""What differs between two runs' rows, by their statistics alone: they outlive the rows."""

from pathlib import Path
from typing import Any

import numpy as np

from pipeline.baseline.distance import jensen_shannon
from pipeline.differences import columns
from pipeline.differences.columns import Column, Floats, Statistics

SPLITS = ("train", "eval")
LISTED = 20  # categories that are named, the most frequent first
Json = dict[str, Any]


def difference(old: Path, new: Path) -> Json:
    """The differences of two artifacts of statistics, split by split."""
    splits = {}
    for split in SPLITS:
        old_statistics = columns.read(old, split)
        new_statistics = columns.read(new, split)
        if old_statistics and new_statistics:
            splits[split] = _split(old_statistics, new_statistics)
    return splits


def _split(old: Statistics, new: Statistics) -> Json:
    """Columns that both have, the most different first; equal ones are left out."""
    common_names = [name for name in old.columns if name in new.columns]
    changes = [_column(name, old.columns[name], new.columns[name]) for name in common_names]
    different = [change for change in changes if change["differs"]]
    different.sort(key=_order)
    return {
        "rows": [old.rows, new.rows],
        "gone": sorted(old.columns.keys() - new.columns.keys()),
        "new": sorted(new.columns.keys() - old.columns.keys()),
        "equal": len(changes) - len(different),
        "columns": different,
    }


def _order(change: Json) -> tuple[bool, float]:
    """A change of type comes first: there is no distance across it."""
    distance = change["distance"]
    return distance is not None, -(distance or 0.0)


def _column(name: str, old: Column, new: Column) -> Json:
    """One column's change; its distance is a Jensen-Shannon divergence in bits."""
    change: Json = {
        "name": name,
        "type": [old.type, new.type],
        "missing": [old.missing, new.missing],
        "distance": None,
    }
    if old.kind == new.kind == "number":
        change |= _numbers(old, new)
    elif old.kind == new.kind == "category":
        change |= _categories(old, new)
    change["differs"] = _differs(change)
    return change


def _differs(change: Json) -> bool:
    pairs = [change["type"], change["missing"], *change.get("figures", {}).values()]
    is_moved = any(old != new for old, new in pairs)
    return is_moved or bool(change["distance"])


def _numbers(old: Column, new: Column) -> Json:
    figures = {name: [old.figures[name], new.figures[name]] for name in old.figures}
    edges = np.union1d(old.edges, new.edges)
    finite_edges = edges[np.isfinite(edges)]
    old_shares = _between(old, finite_edges, old.missing)
    new_shares = _between(new, finite_edges, new.missing)
    return {"figures": figures, "distance": float(jensen_shannon(old_shares, new_shares))}


def _between(column: Column, edges: Floats, missing: float) -> Floats:
    """Shares of the rows between the edges, a quantile's spread evenly; the last is the missing."""
    shares = [0.0] * max(edges.size, 1)  # of a column without a number, too
    if column.counts.sum() and edges.size:
        sums = np.cumsum(column.counts) / column.counts.sum()
        # Equal edges of a frequent value hold all of its rows.
        below = _below(column.edges, np.concatenate([[0.0], sums]), edges)
        shares = np.diff(below, prepend=0.0).tolist()
    present = 1 - missing
    return np.array([*(share * present for share in shares), missing])


def _below(column_edges: Floats, sums: Floats, edges: Floats) -> Floats:
    """The share at or below each edge."""
    last_of_equal = np.append(np.diff(column_edges) > 0, True)
    below: Floats = np.interp(edges, column_edges[last_of_equal], sums[last_of_equal])
    below[edges < column_edges[0]] = 0.0
    return below


def _categories(old: Column, new: Column) -> Json:
    names = list(dict.fromkeys([*old.categories, *new.categories]))
    old_counts = [old.categories.get(name, 0.0) for name in names]
    new_counts = [new.categories.get(name, 0.0) for name in names]
    old_shares = _with_missing(old_counts, old.missing)
    new_shares = _with_missing(new_counts, new.missing)
    are_all_listed = all(len(column.categories) == column.distinct for column in (old, new))
    return {
        "categories": [old.distinct, new.distinct],
        "new": [name for name in new.categories if name not in old.categories][:LISTED],
        "gone": [name for name in old.categories if name not in new.categories][:LISTED],
        "all_listed": are_all_listed,  # else a category may be new, or too rare to be listed
        "distance": float(jensen_shannon(old_shares, new_shares)),
    }


def _with_missing(counts: list[float], missing: float) -> Floats:
    total = sum(counts) or 1.0
    return np.array([*(count / total * (1 - missing) for count in counts), missing])
