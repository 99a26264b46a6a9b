"""Says of each row of a batch whether it is a curve's point, an attribute, or is left out."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.experiments.imports.counts import Counts, Rows
from pipeline.experiments.imports.schema import FILES, POINT, VALUES

SERIES = pa.schema(
    [
        ("path", pa.string()),
        ("step", pa.float64()),
        ("time", pa.timestamp("ms", tz="UTC")),
        ("value", pa.float64()),
    ]
)
UNKNOWN_TYPE = "its attribute_type is unknown"
NO_PATH = "it has no attribute_path"
NO_VALUE = "it has no value of its type"
NO_TYPE = "none"  # how a row without attribute_type is counted
MILLIONTHS = 1_000_000  # of a step, decimal128(18, 6)

FileCopy = Callable[[str], str | None]  # why a file is not copied; None where it is


@dataclass
class Split:
    points: pa.RecordBatch  # as SERIES
    attributes: pa.RecordBatch  # as the exporter's columns
    counts: Counts = field(default_factory=Counts)


def split(batch: pa.RecordBatch, copy: FileCopy) -> Split:
    """The batch's rows by what becomes of them, each counted once."""
    counts = Counts(read=_by_type(batch))
    for reason, check in CHECKS.items():
        holds = check(batch)
        fails = pc.invert(holds)
        refused = batch.filter(fails)
        counts.leave_out(reason, _by_type(refused))
        batch = batch.filter(holds)
    is_copied = np.full(batch.num_rows, True)
    for reason, indices in _copy_files(batch, copy).items():
        refused = batch.take(indices)
        counts.leave_out(reason, _by_type(refused))
        is_copied[indices] = False
    batch = batch.filter(pa.array(is_copied))
    counts.taken = _by_type(batch)
    is_point = _is_point(batch)
    is_attribute = pc.invert(is_point)
    points = batch.filter(is_point)
    attributes = batch.filter(is_attribute)
    return Split(_points(points), attributes, counts)


def _is_point(batch: pa.RecordBatch) -> pa.Array:
    is_series = pc.equal(batch["attribute_type"], POINT)
    has_step = pc.is_valid(batch["step"])
    return pc.and_(is_series, has_step)


def _by_type(batch: pa.RecordBatch) -> Rows:
    counts_by_type = pc.value_counts(batch["attribute_type"])
    rows: Rows = Counter()
    for entry in counts_by_type.to_pylist():
        type_ = entry["values"]
        name = NO_TYPE if type_ is None else type_
        rows[name] += entry["counts"]
    return rows


def _is_of(batch: pa.RecordBatch, types: Iterable[str]) -> pa.Array:
    """Whether each row is of one of the types."""
    names = pa.array(list(types))
    return pc.is_in(batch["attribute_type"], value_set=names)


def _with_type(batch: pa.RecordBatch) -> pa.Array:
    return _is_of(batch, VALUES)


def _with_path(batch: pa.RecordBatch) -> pa.Array:
    return pc.is_valid(batch["attribute_path"])


def _with_value(batch: pa.RecordBatch) -> pa.Array:
    """Whether each row has a value in the column of its type."""
    no_row = np.full(batch.num_rows, False)
    result = pa.array(no_row)
    for column in dict.fromkeys(VALUES.values()):
        value = batch[column]
        if column == "file_value":
            value = pc.struct_field(value, "path")
        types = [type_ for type_, its_column in VALUES.items() if its_column == column]
        is_type = _is_of(batch, types)
        has_value = pc.and_(is_type, pc.is_valid(value))
        result = pc.or_(result, has_value)
    return result


CHECKS = {UNKNOWN_TYPE: _with_type, NO_PATH: _with_path, NO_VALUE: _with_value}


def _copy_files(batch: pa.RecordBatch, copy: FileCopy) -> dict[str, list[int]]:
    """Copy the rows' files; the rows whose file is not copied, by reason."""
    is_file = _is_of(batch, FILES)
    indices = pc.indices_nonzero(is_file)
    values = batch["file_value"].take(indices)
    paths = pc.struct_field(values, "path")
    refused: dict[str, list[int]] = {}
    for index, path in zip(indices.to_pylist(), paths.to_pylist(), strict=True):
        reason = copy(path)
        if reason is None:
            continue
        refused_indices = refused.setdefault(reason, [])
        refused_indices.append(index)
    return refused


def _points(batch: pa.RecordBatch) -> pa.RecordBatch:
    doubles = steps(batch["step"])
    paths, times = batch["attribute_path"], batch["timestamp"]
    values = batch["float_value"]
    columns = [paths, pa.array(doubles), times, values]
    return pa.record_batch(columns, schema=SERIES)


def steps(decimals: pa.Array) -> np.ndarray:
    """The steps as the nearest doubles; each must be there.

    Arrow's own cast of 4010890562.487121 to a double gives 4010890562.4871206. Here 18 digits fit
    into the lower 8 of the 16 bytes, and one division by a million rounds once.
    """
    _, buffer = decimals.buffers()
    decimal_count = decimals.offset + len(decimals)
    words = np.frombuffer(buffer, dtype="<i8", count=2 * decimal_count)
    lower_words = words[::2]
    millionths = lower_words[decimals.offset :]
    return millionths / MILLIONTHS
