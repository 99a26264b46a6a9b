"""Later rows as requests to a server that logs some of them, and the log with the rows' times.

A replay takes seconds for months, so that the server's log holds one day. A second table holds the
same rows, each at the time of its own row; the monitor reads that one.
"""

import contextlib
import http.client
import io
import json
import re
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from pipeline.baseline import times
from pipeline.serving.request_log.table import COLUMNS
from tests.pipeline.serving.server_process import Process
from tests.standins import local_bigquery

PROJECT = "demo"
DATASET = f"{PROJECT}.log"
LOG = f"{DATASET}.requests"
REPLAY = f"{DATASET}.replay"
SETTLE_SECONDS = 60
WAITING = re.compile(r"^esteira_log_(?:queued|spooled)(?:\{.*\})? ([\d.e+]+)$", re.MULTILINE)


@contextlib.contextmanager
def log_server(folder: Path) -> Iterator[str]:
    """The address of BigQuery's stand-in, with an empty dataset for the log."""
    with local_bigquery.serving(folder) as standin:
        local_bigquery.create_dataset(standin.url, PROJECT, "log")
        yield standin.url


@contextlib.contextmanager
def model_server(name: str, runs: Path, rate: float, bigquery_url: str) -> Iterator[Process]:
    """The newest published version, behind a port of its own."""
    place = ("--runs", runs, "--port", 0)
    log = ("--request-log", LOG, "--sampling-rate", rate)
    command = (sys.executable, "-m", "pipeline", "serve", name, *place, *log)
    variables = {"BIGQUERY_EMULATOR_HOST": bigquery_url, "TF_CPP_MIN_LOG_LEVEL": "3"}
    process = Process(command, variables)
    try:
        process.wait_for("is ready after")
        yield process
    finally:
        process.popen.terminate()
        process.popen.wait()


def ask(server: Process, instances: list[dict[str, Any]]) -> int:
    """Send a request for each instance, one after the other; return how many were answered."""
    count = 0
    with contextlib.closing(server.connection()) as connection:
        for instance in instances:
            count += _is_answered(connection, instance)
    _settle(server)
    return count


def _is_answered(connection: http.client.HTTPConnection, instance: dict[str, Any]) -> bool:
    body = json.dumps({"instances": [instance]})
    connection.request("POST", "/predict", body)
    response = connection.getresponse()
    response.read()
    return response.status == http.HTTPStatus.OK


def _settle(server: Process) -> None:
    """Return when no logged request waits for BigQuery any more."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while time.monotonic() < deadline:
        _, text = server.ask("GET", "/metrics")
        waiting = [float(number) for number in WAITING.findall(text)]
        if not any(waiting):
            return
        time.sleep(0.2)
    raise RuntimeError(f"the log was not written within {SETTLE_SECONDS} s")


def with_own_times(client: bigquery.Client, time_column: str) -> int:
    """Copy the log, each request at the time of its row; return how many there are."""
    schema = [bigquery.SchemaField(name, kind, mode) for name, kind, mode in COLUMNS]
    table = bigquery.Table(REPLAY, schema=schema)
    table.time_partitioning = bigquery.TimePartitioning(field="logging_time")
    client.create_table(table)
    rows = [dict(row) for row in client.query(f"SELECT * FROM `{LOG}`").result()]
    for row in rows:
        row["logging_time"] = _own_time(row, time_column)
        row["request_id"] = str(row["request_id"])
    content = io.BytesIO("\n".join(map(json.dumps, rows)).encode())
    config = bigquery.LoadJobConfig(schema=schema, source_format="NEWLINE_DELIMITED_JSON")
    client.load_table_from_file(content, REPLAY, job_config=config).result()
    return len(rows)


def _own_time(row: dict[str, Any], time_column: str) -> str:
    [question] = row["request_payload"]
    moment = times.of_value(json.loads(question)[time_column])
    return datetime.fromtimestamp(moment.astype(int), UTC).isoformat()


def client_of(url: str) -> bigquery.Client:
    options = {"api_endpoint": url}
    return bigquery.Client(PROJECT, AnonymousCredentials(), client_options=options)
