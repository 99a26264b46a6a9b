"""The shipped models: README's claims hold while their folders are as shipped."""

import hashlib
import json
import subprocess
import sys

import pytest

from pipeline.model import schema
from pipeline.model.csv_file.table import read_csv
from pipeline.model.folder import ModelFolder
from settings import REPOSITORY
from tests.scripts import loaded


def as_shipped(name):
    """The folder of a shipped model; skips if a team has changed or removed it."""
    listed = loaded("own").shipped()
    files = {path: sha256 for path, sha256 in listed.items() if path.startswith(f"models/{name}/")}
    for path, sha256 in files.items():
        if sha256_of(REPOSITORY / path) != sha256:
            pytest.skip(f"{path} is a team's own")
    assert files
    return REPOSITORY / "models" / name


def sha256_of(file):
    """The hash of a file's content; None without a file."""
    if not file.is_file():
        return None
    content = file.read_bytes()
    return hashlib.sha256(content).hexdigest()


def run(folder, runs):
    """The summary of a publishing run."""
    command = [sys.executable, "-m", "pipeline", "run", f"{folder}/", "--json", "--runs", runs]
    process = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    assert process.returncode == 0, process.stderr
    return json.loads(process.stdout)


def monitored(summary):
    """The columns that will be monitored, and those that will not, by name."""
    assert summary["monitoring"]["problem"] is None
    return {column["name"]: column for column in summary["monitoring"]["columns"]}


def most_important(summary):
    first_column, *_ = summary["monitoring"]["columns"]
    return first_column["name"]


def test_all_rows_of_taxi_clear_its_own_bar(tmp_path):
    summary = run(as_shipped("taxi"), tmp_path)

    data = summary["records"]["data"]
    assert data["rows"] == 15002
    assert data["rows_dropped"] == 0
    assert summary["metrics"]["auc"] >= 0.93
    assert summary["decision"]["blessed"]
    columns = monitored(summary)
    assert columns["fare"]["limit"]
    assert columns["trip_start_timestamp"]["unjudged"]
    assert most_important(summary) == "payment_type"


def test_all_rows_of_flights_clear_its_own_bar(tmp_path):
    summary = run(as_shipped("flights"), tmp_path)

    data = summary["records"]["data"]
    assert data["rows"] == 336_776 - 9_430
    assert data["rows_dropped"] == 9_430
    assert summary["metrics"]["auc"] >= 0.705
    assert summary["decision"]["blessed"]
    columns = monitored(summary)
    assert summary["monitoring"]["blocks"] >= 50
    assert columns["origin"]["limit"]
    for name in ("flight", "tailnum", "month", "time_hour"):
        assert columns[name]["unjudged"], name
    assert most_important(summary) in ("month", "sched_dep_time")


def test_every_flight_is_read_and_na_is_null():
    folder = ModelFolder.load(str(as_shipped("flights")))

    columns = schema.columns(schema.read(folder))
    rows = read_csv(folder.source, columns, folder.declaration.data.null_values)

    [first_row] = rows.slice(0, 1).to_pylist()
    assert rows.num_rows == 336_776
    assert rows["arr_delay"].null_count == 9_430
    assert first_row["time_hour"] == "2013-01-01T10:00:00Z"
