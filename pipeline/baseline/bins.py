"""Bins of a column, made once at training, and the counting of rows in them.

The request log is counted by the same rule in SQL: a number belongs to the first edge above it.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.baseline.content import Bins
from pipeline.baseline.profile import FOLDED

NUMBER_BINS = 20  # about: few values have two more, and runs of rare ones up to ten more
CATEGORY_BINS = 20
MISSING = -1  # in place of a bin's index
SPARSE = 0.25  # of a bin's even share: fewer rows get no bin of their own


def of_numbers(values: NDArray[np.float64], most: int = NUMBER_BINS) -> Bins:
    """Bins of about equal counts; a value as frequent as a bin has one of its own.

    An edge lies halfway between two neighbouring values, never on one: float32 in training and
    FLOAT64 in a log fall into the same bin. Where each value has its own bin, two more bins take
    what is below the least and above the largest. NaN is missing.
    """
    present = values[~np.isnan(values)]
    if not present.size:
        return Bins(kind="number")
    distinct, counts = np.unique(present, return_counts=True)
    if distinct.size <= most and counts.min() >= FOLDED:
        return Bins(kind="number", edges=tuple(_around_each(distinct).tolist()))
    uppers = _upper_places(counts, most)
    edges = halfway(distinct[uppers - 1], distinct[uppers])
    return Bins(kind="number", edges=tuple(edges.tolist()))


def of_categories(values: pa.Array, most: int = CATEGORY_BINS) -> Bins:
    """The most frequent values, each in at least ten rows."""
    frequent = frequent_values(values)
    names = [value for value, _ in frequent[:most]]
    return Bins(kind="category", values=tuple(names))


def frequent_values(values: pa.Array) -> list[tuple[str, int]]:
    """Values in at least ten rows, with their numbers of rows: the most frequent first."""
    counted = pc.value_counts(values.drop_null())
    enough = pc.greater_equal(counted.field("counts"), FOLDED)
    entries = counted.filter(enough).to_pylist()
    pairs = [(entry["values"], entry["counts"]) for entry in entries]
    return sorted(pairs, key=lambda pair: (-pair[1], pair[0]))


def halfway(lower: NDArray[np.float64], upper: NDArray[np.float64]) -> NDArray[np.float64]:
    """The middle of two different values: above the lower one for certain."""
    middle = lower / 2 + upper / 2
    return np.where(middle > lower, middle, upper)


def places(bins: Bins, values: pa.Array) -> NDArray[np.int16]:
    """The index of each value's bin; MISSING for a null or NaN."""
    if bins.kind == "number":
        return number_places(bins, values.to_numpy(zero_copy_only=False).astype(np.float64))
    value_set = pa.array(bins.values, values.type)
    matches = pc.index_in(values, value_set)
    indices = matches.fill_null(len(bins.values)).to_numpy(zero_copy_only=False)
    missing = values.is_null().to_numpy(zero_copy_only=False)
    return np.where(missing, MISSING, indices).astype(np.int16)


def number_places(bins: Bins, numbers: NDArray[np.float64]) -> NDArray[np.int16]:
    """As `places`, of numbers."""
    indices = np.searchsorted(np.asarray(bins.edges), numbers, side="right")
    return np.where(np.isnan(numbers), MISSING, indices).astype(np.int16)


def counts(bins: Bins, indices: NDArray[np.int16]) -> tuple[tuple[int, ...], int]:
    """Rows by bin, and the missing ones."""
    by_place = np.bincount(indices + 1, minlength=bins.count + 1)
    missing, *present = by_place.tolist()
    return tuple(present), missing


def _around_each(distinct: NDArray[np.float64]) -> NDArray[np.float64]:
    """An edge on both sides of each value; the outer ones as far away as the nearest inner one."""
    inner = halfway(distinct[:-1], distinct[1:])
    margin = np.diff(distinct).min() / 2 if distinct.size > 1 else 0.5
    lowest = np.nextafter(distinct[0], -np.inf)
    highest = np.nextafter(distinct[-1], np.inf)
    below = min(distinct[0] - margin, lowest)
    above = max(distinct[-1] + margin, highest)
    return np.concatenate(([below], inner, [above]))


def _upper_places(counts: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """Places in the sorted distinct values, each just above an edge; never the first.

    A frequent value is a bin. A run of rare values between two frequent ones is cut evenly; with
    next to no rows it joins the frequent value above it.
    """
    total = int(counts.sum())
    frequent = counts >= max(total / most, FOLDED)
    rare_bins = max(most - int(frequent.sum()), 1)
    even_share = max(counts[~frequent].sum() / rare_bins, FOLDED)
    starts = np.flatnonzero(frequent | np.append(True, frequent[:-1]))
    ends = np.append(starts[1:], counts.size)
    edges = set(starts.tolist())
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        rows = int(counts[start:end].sum())
        if frequent[start]:
            continue
        if rows < max(SPARSE * even_share, FOLDED):
            edges.discard(end if end < counts.size else start)
        edges |= _even_places(counts[start:end], start, even_share)
    inner = sorted(edges - {0})
    return np.array(inner, dtype=np.int64)


def _even_places(counts: NDArray[np.int64], start: int, even_share: float) -> set[int]:
    """Places to cut a run of light values at, into bins of about the even share."""
    cumulative = np.cumsum(counts)
    number = round(cumulative[-1] / even_share)
    if number < 2:
        return set()
    targets = cumulative[-1] * np.arange(1, number) / number
    cuts = np.searchsorted(cumulative, targets, side="left") + 1
    return {start + int(cut) for cut in cuts if cut < counts.size}
