"""One exported run of a million points imported, in a process of its own.

Prints its seconds and its largest memory; the exit code is 1 where a bar does not hold.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.experiments.imports import export
from pipeline.experiments.imports.schema import SCHEMA
from settings import REPOSITORY

PROJECT, RUN = "team/bench", "BENCH-1"
CURVES, PARTS = 20, 4
LARGEST_SECONDS, LARGEST_MEGABYTES = 60, 1_000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=1_000_000)
    points = parser.parse_args().points
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write(folder / "data" / export.name(PROJECT), points)
        begin = time.monotonic()
        command = [sys.executable, "-m", "pipeline", "runs", "import", name]
        subprocess.run([*command, "--runs", str(folder / "runs")], cwd=REPOSITORY, check=True)
        seconds = time.monotonic() - begin
    megabytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"{points:,} points in {seconds:.1f} s, at most {LARGEST_SECONDS} s")
    print(f"{megabytes:.0f} MB at the largest, at most {LARGEST_MEGABYTES} MB")
    return int(seconds > LARGEST_SECONDS or megabytes > LARGEST_MEGABYTES)


def _write(folder: Path, points: int) -> None:
    """The run's parts, each of one row group: the worst for a reader's memory."""
    folder.mkdir(parents=True)
    size = points // PARTS
    for number in range(PARTS):
        path = folder / f"{export.name(RUN)}_part_{number}.parquet"
        pq.write_table(_table(number * size, size), path, row_group_size=size)


def _table(first: int, size: int) -> pa.Table:
    numbers = np.arange(first, first + size)
    steps = pa.array(numbers / 4).cast(pa.decimal128(18, 6))
    times = pa.array(1_700_000_000_000 + numbers).cast(pa.timestamp("ms", tz="UTC"))
    columns = {
        "project_id": [PROJECT] * size,
        "run_id": [RUN] * size,
        "attribute_path": [f"metrics/{number % CURVES}" for number in numbers],
        "attribute_type": ["float_series"] * size,
        "step": steps,
        "timestamp": times,
        "float_value": np.sin(numbers),
    }
    arrays = [pa.array(columns.get(field.name, [None] * size), field.type) for field in SCHEMA]
    return pa.table(arrays, schema=SCHEMA)


if __name__ == "__main__":
    sys.exit(main())
