"""Bins of a column, made once at training, and the counting of rows in them.

The request log is counted by the same rule in SQL: a number belongs to the first edge above it.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.baseline.content import Bins
from pipeline.baseline.profile import FOLDED

NUMBER_BINS = 20
CATEGORY_BINS = 20
MISSING = -1  # in place of a bin's index


def of_numbers(values: NDArray[np.float64], most: int = NUMBER_BINS) -> Bins:
    """Bins of about equal counts; an edge lies halfway between two values, never on one.

    NaN is missing. Float32 in training and FLOAT64 in a log thereby fall into the same bin.
    """
    present = np.sort(values[~np.isnan(values)])
    if not present.size:
        return Bins(kind="number")
    places = (np.arange(1, most) * present.size) // most
    lower = present[places - 1]
    upper = present[places]
    edges = np.unique((lower + upper)[lower < upper] / 2)
    return Bins(kind="number", edges=tuple(edges.tolist()))


def of_categories(values: pa.Array, most: int = CATEGORY_BINS) -> Bins:
    """The most frequent values, each of which at least ten rows have."""
    counted = pc.value_counts(values.drop_null()).to_pylist()
    frequent = [entry for entry in counted if entry["counts"] >= FOLDED]
    frequent.sort(key=lambda entry: (-entry["counts"], entry["values"]))
    return Bins(kind="category", values=tuple(entry["values"] for entry in frequent[:most]))


def places(bins: Bins, values: pa.Array) -> NDArray[np.int16]:
    """The index of each value's bin; MISSING for a null or NaN."""
    if bins.kind == "number":
        numbers = values.to_numpy(zero_copy_only=False).astype(np.float64)
        indices = np.searchsorted(np.asarray(bins.edges), numbers, side="right")
        return np.where(np.isnan(numbers), MISSING, indices).astype(np.int16)
    found = pc.index_in(values, pa.array(bins.values, values.type))
    indices = found.fill_null(len(bins.values)).to_numpy(zero_copy_only=False)
    missing = values.is_null().to_numpy(zero_copy_only=False)
    return np.where(missing, MISSING, indices).astype(np.int16)


def counts(bins: Bins, indices: NDArray[np.int16]) -> tuple[tuple[int, ...], int]:
    """Rows by bin, and those that are missing."""
    by_place = np.bincount(indices + 1, minlength=bins.count + 1)
    missing, *present = by_place.tolist()
    return tuple(present), missing
