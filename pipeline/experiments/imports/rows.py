"""Says of each row of a batch whether it is a curve's point, an attribute, or is left out."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.experiments.imports.counts import Counts
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
    types = batch["attribute_type"]
    counts = Counts(read=_by_type(types))
    remaining = pa.array(np.ones(len(batch), dtype=bool))
    checks = (
        (UNKNOWN_TYPE, pc.is_in(types, value_set=pa.array(list(VALUES)))),
        (NO_PATH, pc.is_valid(batch["attribute_path"])),
        (NO_VALUE, _with_value(batch)),
    )
    for reason, holds in checks:
        counts.leave_out(reason, _by_type(types.filter(pc.and_not(remaining, holds))))
        remaining = pc.and_(remaining, holds)
    candidates = batch.filter(remaining)
    holds = np.ones(len(candidates), dtype=bool)
    for reason, indices in _copy_files(candidates, copy).items():
        counts.leave_out(reason, _by_type(candidates["attribute_type"].take(indices)))
        holds[indices] = False
    kept = candidates.filter(pa.array(holds))
    counts.taken = _by_type(kept["attribute_type"])
    is_point = pc.and_(pc.equal(kept["attribute_type"], POINT), pc.is_valid(kept["step"]))
    return Split(_points(kept.filter(is_point)), kept.filter(pc.invert(is_point)), counts)


def _by_type(types: pa.Array) -> Counter[str]:
    counted = pc.value_counts(types).to_pylist()
    rows: Counter[str] = Counter()
    for each in counted:
        rows[NO_TYPE if each["values"] is None else each["values"]] += each["counts"]
    return rows


def _with_value(batch: pa.RecordBatch) -> pa.Array:
    """Whether each row has a value in the column of its type."""
    columns: dict[str, list[str]] = {}
    for type_, column in VALUES.items():
        columns.setdefault(column, []).append(type_)
    result = pa.array(np.zeros(len(batch), dtype=bool))
    for column, types in columns.items():
        value = batch[column]
        if column == "file_value":
            value = pc.struct_field(value, "path")
        is_type = pc.is_in(batch["attribute_type"], value_set=pa.array(types))
        result = pc.or_(result, pc.and_(is_type, pc.is_valid(value)))
    return result


def _copy_files(batch: pa.RecordBatch, copy: FileCopy) -> dict[str, list[int]]:
    """Copy the rows' files; the rows whose file is not copied, by reason."""
    is_file = pc.is_in(batch["attribute_type"], value_set=pa.array(FILES))
    indices = pc.indices_nonzero(is_file)
    values = batch["file_value"].take(indices).to_pylist()
    refused: dict[str, list[int]] = {}
    for index, value in zip(indices.to_pylist(), values, strict=True):
        reason = copy(value["path"])
        if reason is not None:
            refused.setdefault(reason, []).append(index)
    return refused


def _points(batch: pa.RecordBatch) -> pa.RecordBatch:
    columns = [
        batch["attribute_path"],
        pa.array(steps(batch["step"])),
        batch["timestamp"],
        batch["float_value"],
    ]
    return pa.record_batch(columns, schema=SERIES)


def steps(decimals: pa.Array) -> np.ndarray:
    """The steps as the nearest doubles; each must be there.

    Arrow's own cast of 4010890562.487121 to a double gives 4010890562.4871206. Here 18 digits fit
    into the lower 8 of the 16 bytes, and one division by a million rounds once.
    """
    buffer = decimals.buffers()[1]
    words = np.frombuffer(buffer, dtype="<i8", count=2 * (decimals.offset + len(decimals)))
    millionths = words[2 * decimals.offset :: 2]
    return millionths / MILLIONTHS
