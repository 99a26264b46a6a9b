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
    changes = []
    for name, column in old.columns.items():
        new_column = new.columns.get(name)
        if new_column is not None:
            change = _column(name, column, new_column)
            changes.append(change)
    different = [change for change in changes if change["differs"]]
    different.sort(key=_order)
    old_names = set(old.columns)
    new_names = set(new.columns)
    return {
        "rows": [old.rows, new.rows],
        "gone": sorted(old_names - new_names),
        "new": sorted(new_names - old_names),
        "equal": len(changes) - len(different),
        "columns": different,
    }


def _order(change: Json) -> float:
    """A change of type comes first: there is no distance across it."""
    distance: float | None = change["distance"]
    return -np.inf if distance is None else -distance


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
    figures = change.get("figures", {})
    pairs = [change["type"], change["missing"], *figures.values()]
    are_moved = [old != new for old, new in pairs]
    return any(are_moved) or bool(change["distance"])


def _numbers(old: Column, new: Column) -> Json:
    figures = {}
    for name, value in old.figures.items():
        figures[name] = [value, new.figures[name]]
    edges = np.union1d(old.edges, new.edges)
    is_finite = np.isfinite(edges)
    finite_edges = edges[is_finite]
    old_shares = _between(old, finite_edges)
    new_shares = _between(new, finite_edges)
    return {"figures": figures, "distance": _distance(old_shares, new_shares)}


def _distance(old: Floats, new: Floats) -> float:
    return float(jensen_shannon(old, new))


def _between(column: Column, edges: Floats) -> Floats:
    """Shares of the rows between the edges, a quantile's spread evenly; the last is the missing."""
    size = max(edges.size, 1)  # of a column without a number, too
    shares = np.zeros(size)
    total = column.counts.sum()
    if total and edges.size:
        sums = np.cumsum(column.counts) / total
        # Equal edges of a frequent value hold all of its rows.
        below = _below(column.edges, np.append(0.0, sums), edges)
        shares = np.diff(below, prepend=0.0)
    return _with_missing(shares, column.missing)


def _below(column_edges: Floats, sums: Floats, edges: Floats) -> Floats:
    """The share at or below each edge."""
    widths = np.diff(column_edges)
    last_of_equal = np.append(widths > 0, True)
    distinct_edges = column_edges[last_of_equal]
    below: Floats = np.interp(edges, distinct_edges, sums[last_of_equal])
    is_before = edges < column_edges[0]
    below[is_before] = 0.0
    return below


def _categories(old: Column, new: Column) -> Json:
    names = list({**old.categories, **new.categories})
    old_shares = _shares(old, names)
    new_shares = _shares(new, names)
    return {
        "categories": [old.distinct, new.distinct],
        "new": _missing_from(old, new),
        "gone": _missing_from(new, old),
        # else a category may be new, or too rare to be listed
        "all_listed": _lists_all(old) and _lists_all(new),
        "distance": _distance(old_shares, new_shares),
    }


def _missing_from(column: Column, other: Column) -> list[str]:
    """The other column's most frequent categories that the column has not."""
    names = [name for name in other.categories if name not in column.categories]
    return names[:LISTED]


def _lists_all(column: Column) -> bool:
    return len(column.categories) == column.distinct


def _shares(column: Column, names: list[str]) -> Floats:
    """The share of the rows of each category, and of the missing."""
    counts = [column.categories.get(name, 0.0) for name in names]
    total = sum(counts) or 1.0
    shares = np.array(counts) / total
    return _with_missing(shares, column.missing)


def _with_missing(shares: Floats, missing: float) -> Floats:
    """The shares of the present rows as those of all, and of the missing."""
    present = 1 - missing
    return np.append(shares * present, missing)
