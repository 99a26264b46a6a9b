"""The rows that Neptune's exporter writes: one a value, in parquet files of at most one run.

https://github.com/neptune-ai/neptune-exporter: src/neptune_exporter/model.py has the columns,
README.md and exporters/neptune2.py the types, read at 8d3f44a.
"""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import RunError
from pipeline.places import shown
from settings.values import cut

TEXT, NUMBER = pa.string(), pa.float64()
TIME = pa.timestamp("ms", tz="UTC")
HISTOGRAM = [("type", TEXT), ("edges", pa.list_(NUMBER)), ("values", pa.list_(NUMBER))]
SCHEMA = pa.schema(
    [
        ("project_id", TEXT),
        ("run_id", TEXT),
        ("attribute_path", TEXT),
        ("attribute_type", TEXT),
        ("step", pa.decimal128(18, 6)),
        ("timestamp", TIME),
        ("int_value", pa.int64()),
        ("float_value", NUMBER),
        ("string_value", TEXT),
        ("bool_value", pa.bool_()),
        ("datetime_value", TIME),
        ("string_set_value", pa.list_(TEXT)),
        ("file_value", pa.struct([("path", TEXT)])),
        ("histogram_value", pa.struct(HISTOGRAM)),
    ]
)
POINT = "float_series"
SCALARS = {
    "float": "float_value",
    "int": "int_value",
    "string": "string_value",
    "bool": "bool_value",
    "datetime": "datetime_value",
    "string_set": "string_set_value",
}
FILES = ("file", "file_series", "file_set", "artifact")
VALUES = {  # the column of each type's value
    **SCALARS,
    POINT: "float_value",
    "string_series": "string_value",
    "histogram_series": "histogram_value",
    **dict.fromkeys(FILES, "file_value"),
}
BATCH_ROWS = 65_536
UNREADABLE = (pa.ArrowException, OSError, ValueError)


def row_count(part: Path) -> int:
    """The rows by the part's footer; raises RunError for another schema or no parquet."""
    try:
        with pq.ParquetFile(part) as file:
            problem = _problem(file.schema_arrow)
            count: int = file.metadata.num_rows
    except UNREADABLE as error:
        raise _unreadable(part, error) from error
    if problem:
        raise RunError(f"{shown(part)} {problem}")
    return count


def batches(part: Path) -> Iterator[pa.RecordBatch]:
    """The part's rows, some at a time; raises RunError where they can't be read."""
    try:
        with pq.ParquetFile(part, memory_map=False) as file:
            iterator = file.iter_batches(batch_size=BATCH_ROWS)
            while (batch := next(iterator, None)) is not None:
                batch.validate(full=True)
                yield batch
    except UNREADABLE as error:
        raise _unreadable(part, error) from error


def _unreadable(part: Path, error: Exception) -> RunError:
    reason = cut(str(error), 120)
    return RunError(
        f"{shown(part)} cannot be read ({reason}): allowed is a whole parquet file, export it again"
    )


def _problem(schema: pa.Schema) -> str | None:
    """What is not as the exporter's columns are."""
    names = schema.names
    if missing := [name for name in SCHEMA.names if name not in names]:
        return f"has no column {missing[0]!r}, allowed are {', '.join(SCHEMA.names)}"
    if extra := [name for name in names if name not in SCHEMA.names]:
        return f"has the column {extra[0]!r:.80}, allowed are {', '.join(SCHEMA.names)}"
    for field in SCHEMA:
        if names.count(field.name) > 1:
            return f"has the column {field.name!r} twice, allowed is once"
        actual = schema.field(field.name).type
        if actual != field.type:
            return f"has {field.name} as {str(actual)!r:.80}, allowed is {field.type}"
    return None
