"""Profiles of rows at hand: the same counts as the monitor's SQL of a log, in Python."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import ArrayLike, NDArray

from pipeline.baseline import bins
from pipeline.baseline.content import Baseline, Bins, Pair
from pipeline.baseline.profile import SCORE_BINS, ColumnCounts, Profile

OTHER_VALUES = 100  # that a profile names at most, the most frequent ones


def profile(
    baseline: Baseline, rows: pa.Table, scores: ArrayLike, instances_per_request: int = 1
) -> Profile:
    """The counts of `rows` and of their scores; a score is NaN if there is none.

    A column not in `rows` is missing in each of them.
    """
    columns = {
        name: column_counts(column.bins, values(rows, name), personal=column.personal)
        for name, column in baseline.columns.items()
    }
    full, remainder = divmod(rows.num_rows, instances_per_request)
    numbers = np.asarray(scores, dtype=np.float64)
    unanswered = np.isnan(numbers).sum()
    return Profile(
        instances=rows.num_rows,
        requests=full + (remainder > 0),
        request_squares=full * instances_per_request**2 + remainder**2,
        unanswered=int(unanswered),
        columns=columns,
        scores=score_counts(numbers),
        pairs={pair.name: pair_counts(pair, rows) for pair in baseline.pairs},
    )


def values(rows: pa.Table, name: str) -> pa.Array:
    """A column as one array; nulls alone if `rows` has no such column."""
    if name not in rows.column_names:
        return pa.nulls(rows.num_rows)
    column = rows[name]
    if column.num_chunks == 1:
        return column.chunk(0)
    return pa.concat_arrays([pa.array([], column.type), *column.chunks])


def column_counts(column_bins: Bins, array: pa.Array, *, personal: bool = False) -> ColumnCounts:
    """The counts of one column; of a personal one no value is named.

    A single instance's logarithm would be its number: a personal column's are not summed.
    """
    if column_bins.kind == "number":
        counts = _number_counts(column_bins, array)
        return replace(counts, positive=0, log_sum=0.0, log_square_sum=0.0) if personal else counts
    texts = as_texts(array)
    indices = bins.places(column_bins, texts)
    present, missing = bins.counts(column_bins, indices)
    distinct = pc.count_distinct(texts).as_py()
    other_values = {} if personal else _other_values(column_bins, texts)
    return ColumnCounts(bins=present, missing=missing, distinct=distinct, other_values=other_values)


def pair_counts(pair: Pair, rows: pa.Table) -> tuple[int, ...]:
    """The rows by the bins of both columns, row after row; without rows of a missing value."""
    left_values = values(rows, pair.left)
    right_values = values(rows, pair.right)
    left = places(pair.left_bins, left_values)
    right = places(pair.right_bins, right_values)
    cells = table_counts(left, right, pair.left_bins.count, pair.right_bins.count)
    return tuple(cells.tolist())


def table_counts(
    left: NDArray[np.int16], right: NDArray[np.int16], left_bins: int, right_bins: int
) -> NDArray[np.int64]:
    """The cells of a table of two columns' bins, row after row."""
    present = (left != bins.MISSING) & (right != bins.MISSING)
    cells = left[present].astype(np.int64) * right_bins + right[present]
    return np.bincount(cells, minlength=left_bins * right_bins)


def score_counts(scores: NDArray[np.float64]) -> tuple[int, ...]:
    """Scores by bin; those below 0 or above 1 are in the outermost ones."""
    present = scores[~np.isnan(scores)]
    edges = np.arange(1, SCORE_BINS) / SCORE_BINS
    indices = np.searchsorted(edges, present, side="right")
    counts = np.bincount(indices, minlength=SCORE_BINS)
    return tuple(counts.tolist())


def places(column_bins: Bins, array: pa.Array) -> NDArray[np.int16]:
    """The bin of each value, as bins.places; among numbers any other value is missing."""
    if column_bins.kind == "category":
        return bins.places(column_bins, as_texts(array))
    return bins.number_places(column_bins, as_numbers(array))


def as_numbers(array: pa.Array) -> NDArray[np.float64]:
    """The numbers of an array: NaN for a null, and for any other value, as true is no number."""
    if not is_numeric(array):
        return np.full(len(array), np.nan)
    numbers: NDArray[np.float64] = array.to_numpy(zero_copy_only=False).astype(np.float64)
    return numbers


def is_numeric(array: pa.Array) -> bool:
    return bool(pa.types.is_integer(array.type) or pa.types.is_floating(array.type))


def as_texts(array: pa.Array) -> pa.Array:
    """Values as a request's JSON has them, read as text."""
    return array if pa.types.is_string(array.type) else array.cast(pa.string())


def _number_counts(column_bins: Bins, array: pa.Array) -> ColumnCounts:
    numbers = as_numbers(array)
    indices = bins.number_places(column_bins, numbers)
    present, missing = bins.counts(column_bins, indices)
    mistyped = 0 if is_numeric(array) else len(array) - array.null_count
    logarithms = np.log(numbers[numbers > 0])
    squares = logarithms**2
    whole = numbers == np.floor(numbers)
    distinct = np.unique(numbers[~np.isnan(numbers)])
    return ColumnCounts(
        bins=present,
        missing=missing - mistyped,
        mistyped=mistyped,
        whole=int(whole.sum()),
        positive=logarithms.size,
        log_sum=float(logarithms.sum()),
        log_square_sum=float(squares.sum()),
        distinct=distinct.size,
    )


def _other_values(column_bins: Bins, texts: pa.Array) -> dict[str, int]:
    """The values without a bin, each in at least ten rows."""
    named = pa.array(column_bins.values, pa.string())
    has_bin = pc.is_in(texts, named)
    unnamed = texts.filter(pc.invert(has_bin))
    frequent = bins.frequent_values(unnamed)
    return dict(frequent[:OTHER_VALUES])
