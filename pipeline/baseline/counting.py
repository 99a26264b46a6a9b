"""Profiles of rows at hand: what the monitor's SQL counts in a log, counted in Python."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import ArrayLike, NDArray

from pipeline.baseline import bins
from pipeline.baseline.content import Baseline, Bins, Pair
from pipeline.baseline.profile import FOLDED, SCORE_BINS, ColumnCounts, Profile

OTHER_VALUES = 100  # that a profile names at most, the most frequent ones


def profile(
    baseline: Baseline, rows: pa.Table, scores: ArrayLike, instances_per_request: int = 1
) -> Profile:
    """The counts of `rows`, whose scores are NaN where there is none.

    A column that `rows` lacks is missing in each of them.
    """
    columns = {
        name: column_counts(column.bins, values(rows, name), personal=column.personal)
        for name, column in baseline.columns.items()
    }
    pairs = {pair.name: pair_counts(pair, rows) for pair in baseline.pairs}
    full, rest = divmod(rows.num_rows, instances_per_request)
    numbers = np.asarray(scores, dtype=np.float64)
    return Profile(
        instances=rows.num_rows,
        requests=full + (rest > 0),
        request_squares=full * instances_per_request**2 + rest**2,
        unanswered=int(np.isnan(numbers).sum()),
        columns=columns,
        scores=score_counts(numbers),
        pairs=pairs,
    )


def values(rows: pa.Table, name: str) -> pa.Array:
    """A column as one array; nulls alone where `rows` has no such column."""
    if name not in rows.column_names:
        return pa.nulls(rows.num_rows)
    column = rows[name]
    chunks = column.chunks
    return chunks[0] if len(chunks) == 1 else pa.concat_arrays(chunks or [pa.nulls(0)])


def column_counts(column_bins: Bins, array: pa.Array, *, personal: bool = False) -> ColumnCounts:
    """The counts of one column; of a personal one only how many values it has."""
    if column_bins.kind == "number":
        return _number_counts(column_bins, array)
    texts = as_texts(array)
    indices = bins.places(column_bins, texts)
    present, missing = bins.counts(column_bins, indices)
    return ColumnCounts(
        bins=present,
        missing=missing,
        distinct=pc.count_distinct(texts).as_py(),
        other_values={} if personal else _other_values(column_bins, texts),
    )


def pair_counts(pair: Pair, rows: pa.Table) -> tuple[int, ...]:
    """The rows by the bins of both columns, row after row; none where one value is missing."""
    left = places(pair.left_bins, values(rows, pair.left))
    right = places(pair.right_bins, values(rows, pair.right))
    return tuple(table_counts(left, right, pair.left_bins.count, pair.right_bins.count).tolist())


def table_counts(
    left: NDArray[np.int16], right: NDArray[np.int16], left_bins: int, right_bins: int
) -> NDArray[np.int64]:
    """The cells of a table of two columns' bins, row after row."""
    present = (left >= 0) & (right >= 0)
    cells = left[present].astype(np.int64) * right_bins + right[present]
    return np.bincount(cells, minlength=left_bins * right_bins)


def score_counts(scores: NDArray[np.float64]) -> tuple[int, ...]:
    """Scores by bin; those below 0 or above 1 are in the outermost ones."""
    present = scores[~np.isnan(scores)]
    edges = np.arange(1, SCORE_BINS) / SCORE_BINS
    indices = np.searchsorted(edges, present, side="right")
    return tuple(np.bincount(indices, minlength=SCORE_BINS).tolist())


def as_numbers(array: pa.Array) -> NDArray[np.float64] | None:
    """The numbers of an array, NaN where there is none; None where it holds something else."""
    if pa.types.is_null(array.type):
        return np.full(len(array), np.nan)
    if pa.types.is_integer(array.type) or pa.types.is_floating(array.type):
        numbers: NDArray[np.float64] = array.to_numpy(zero_copy_only=False).astype(np.float64)
        return numbers
    return None


def as_texts(array: pa.Array) -> pa.Array:
    """Values as a request's JSON has them, read as text."""
    return array if pa.types.is_string(array.type) else array.cast(pa.string())


def places(column_bins: Bins, array: pa.Array) -> NDArray[np.int16]:
    """The bin of each value, by bins.places; what is no number is missing among numbers."""
    if column_bins.kind == "category":
        return bins.places(column_bins, as_texts(array))
    numbers = as_numbers(array)
    if numbers is None:
        return np.full(len(array), bins.MISSING, dtype=np.int16)
    return bins.number_places(column_bins, numbers)


def _number_counts(column_bins: Bins, array: pa.Array) -> ColumnCounts:
    numbers = as_numbers(array)
    if numbers is None:
        none = (0,) * column_bins.count
        mistyped = len(array) - array.null_count
        return ColumnCounts(bins=none, missing=array.null_count, mistyped=mistyped)
    indices = bins.number_places(column_bins, numbers)
    present, missing = bins.counts(column_bins, indices)
    logarithms = np.log(numbers[numbers > 0])
    return ColumnCounts(
        bins=present,
        missing=missing,
        whole=int((numbers == np.floor(numbers)).sum()),
        positive=logarithms.size,
        log_sum=float(logarithms.sum()),
        log_square_sum=float((logarithms**2).sum()),
        distinct=np.unique(numbers[~np.isnan(numbers)]).size,
    )


def _other_values(column_bins: Bins, texts: pa.Array) -> dict[str, int]:
    """The values without a bin, each of which at least ten rows have."""
    named = pc.is_in(texts, pa.array(column_bins.values, pa.string()))
    others = texts.filter(pc.invert(named)).drop_null()
    counted = pc.value_counts(others).to_pylist()
    frequent = [entry for entry in counted if entry["counts"] >= FOLDED]
    frequent.sort(key=lambda entry: (-entry["counts"], entry["values"]))
    return {entry["values"]: entry["counts"] for entry in frequent[:OTHER_VALUES]}
