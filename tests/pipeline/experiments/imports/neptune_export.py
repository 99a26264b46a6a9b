"""An export of the tests' own, written as neptune-exporter writes it.

Columns, names, parts and the renaming are those of storage/parquet_writer.py and utils.py in
https://github.com/neptune-ai/neptune-exporter, read at 8d3f44a.
"""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

BEGIN = datetime(2025, 5, 1, 8, tzinfo=UTC)
SCHEMA = pa.schema(
    [
        ("project_id", pa.string()),
        ("run_id", pa.string()),
        ("attribute_path", pa.string()),
        ("attribute_type", pa.string()),
        ("step", pa.decimal128(18, 6)),
        ("timestamp", pa.timestamp("ms", tz="UTC")),
        ("int_value", pa.int64()),
        ("float_value", pa.float64()),
        ("string_value", pa.string()),
        ("bool_value", pa.bool_()),
        ("datetime_value", pa.timestamp("ms", tz="UTC")),
        ("string_set_value", pa.list_(pa.string())),
        ("file_value", pa.struct([("path", pa.string())])),
        (
            "histogram_value",
            pa.struct(
                [
                    ("type", pa.string()),
                    ("edges", pa.list_(pa.float64())),
                    ("values", pa.list_(pa.float64())),
                ]
            ),
        ),
    ]
)


def sanitized(text):
    digest = hashlib.blake2b(text.encode("utf-8"), digest_size=8).hexdigest()
    letters = "".join(c if c.isalnum() or c in ("_", "-") else "_" for c in text)
    return f"{letters}-{digest}"


def scalar(path, type_, value):
    return {"attribute_path": path, "attribute_type": type_, f"{type_}_value": value}


def point(path, step, value, seconds=0):
    return {
        "attribute_path": path,
        "attribute_type": "float_series",
        "step": Decimal(step).quantize(Decimal("0.000001")),
        "timestamp": BEGIN + timedelta(seconds=seconds),
        "float_value": value,
    }


def file(path, place, type_="file"):
    return {"attribute_path": path, "attribute_type": type_, "file_value": {"path": place}}


def rows_of_a_run():
    """Values of every type, as a run in Neptune has them."""
    return [
        scalar("sys/name", "string", "seats by night"),
        scalar("sys/owner", "string", "ana"),
        scalar("sys/creation_time", "datetime", BEGIN),
        scalar("sys/ping_time", "datetime", BEGIN + timedelta(minutes=5)),
        scalar("sys/running_time", "float", 280.5),
        scalar("sys/state", "string", "idle"),
        scalar("sys/failed", "bool", False),
        scalar("sys/tags", "string_set", ["night", "best"]),
        scalar("sys/group_tags", "string_set", ["paper"]),
        scalar("sys/forking/parent", "string", "SEAT-0"),
        scalar("sys/forking/step", "float", 12.5),
        scalar("parameters/lr", "float", 0.01),
        scalar("parameters/units", "int", 8),
        scalar("parameters/bias", "bool", True),
        scalar("parameters/optimizer", "string", "adam"),
        scalar("test/auc", "float", 0.93),
        scalar("monitoring/ab/pid", "string", "17"),
        point("metrics/loss", "0.5", 0.9, 1),
        point("metrics/loss", "1.25", 0.4, 2),
        {
            "attribute_path": "monitoring/ab/stdout",
            "attribute_type": "string_series",
            "step": Decimal(1),
            "string_value": "epoch 1",
        },
        {
            "attribute_path": "weights",
            "attribute_type": "histogram_series",
            "step": Decimal(1),
            "histogram_value": {"type": "COUNTING", "edges": [0.0, 1.0], "values": [3.0]},
        },
    ]


def write_run(
    export: Path,
    rows: Sequence[dict] = (),
    *,
    project="team/seats",
    run="SEAT-1",
    parts=1,
    schema=SCHEMA,
):
    """Write the run's parts; return their paths in order."""
    whole = [{"project_id": project, "run_id": run} | row for row in rows]
    folder = export / "data" / sanitized(project)
    folder.mkdir(parents=True, exist_ok=True)
    size = -(-len(whole) // parts)
    unfinished = []
    for number in range(parts):
        table = pa.Table.from_pylist(whole[number * size : (number + 1) * size], schema=schema)
        path = folder / f"{sanitized(run)}_part_{number}.parquet.tmp"
        pq.write_table(table, path, compression="snappy")
        unfinished.append(path)
    return [path.rename(path.with_suffix("")) for path in reversed(unfinished)][::-1]


def write_file(export: Path, place: str, text="x", *, project="team/seats"):
    path = export / "files" / sanitized(project) / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path
