"""A stand-in on loopback for the load jobs of BigQuery's REST API.

It answers for datasets, uploads, jobs and tables. google-cloud-bigquery reaches `with
BigQueryLoads() as google:` by BIGQUERY_EMULATOR_HOST=google.url. It keeps what a job loads, and
fails a job as Google documents: a missing dataset, another location, a column of another type, a
description that differs.

It does not prove that BigQuery takes our Parquet, that its quotas allow a load, or that an account
may do it. It answers no query at all.
"""

import io
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet

Body = dict[str, Any]
PARQUET_TYPES = {"INT64": "INT64", "FLOAT64": "DOUBLE", "STRING": "BYTE_ARRAY"}
WORDS = {403: ("accessDenied", "PERMISSION_DENIED"), 404: ("notFound", "NOT_FOUND")}


class Refused(Exception):  # noqa: N818
    """Answered with this status, as Google words it."""

    def __init__(self, code: int, message: str) -> None:
        reason, status = WORDS.get(code, ("invalid", "INVALID_ARGUMENT"))
        self.code = code
        self.result = {"reason": reason, "message": message}
        self.body = {
            "error": {"code": code, "message": message, "status": status, "errors": [self.result]}
        }


@dataclass
class Table:
    rows: pa.Table
    resource: Body  # schema, description and labels


@dataclass
class BigQueryLoads:
    """`datasets` by PROJECT.DATASET, with their location.

    `refusals` are statuses by how the refused request's line begins, or by "job".
    """

    datasets: dict[str, str] = field(default_factory=dict)
    tables: dict[str, Table] = field(default_factory=dict)
    refusals: dict[str, int] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    jobs: dict[str, Body] = field(default_factory=dict)

    def __enter__(self) -> Self:
        self._server = ThreadingHTTPServer(
            ("127.0.0.1", 0), type("HandlerOfLoads", (Handler,), {"google": self})
        )
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, method: str, path: str, content: bytes) -> Body:
        self.requests.append(f"{method} {path}")
        for begin, status in self.refusals.items():
            if f"{method} {path}".startswith(begin):
                raise Refused(status, "Access Denied: planted")
        match [method, *path.partition("?")[0].strip("/").split("/")]:
            case ["POST", "upload", "bigquery", "v2", "projects", _, "jobs"]:
                return self._announce(json.loads(content))
            case ["PUT", "upload", "bigquery", "v2", "projects", _, "jobs", job]:
                return self._run(self.jobs[job], content)
            case ["GET", "bigquery", "v2", "projects", _, "jobs", job]:
                return {**self.jobs[job], "status": {**self.jobs[job]["status"], "state": "DONE"}}
            case ["GET", "bigquery", "v2", "projects", project, "datasets", dataset]:
                return {
                    "datasetReference": {"projectId": project, "datasetId": dataset},
                    "location": self._location(project, dataset),
                }
            case [
                "PATCH",
                "bigquery",
                "v2",
                "projects",
                project,
                "datasets",
                dataset,
                "tables",
                table,
            ]:
                return self._change(f"{project}.{dataset}.{table}", json.loads(content))
        raise Refused(501, f"the stand-in knows no {method} {path}")

    def _announce(self, job: Body) -> Body:
        """Answer a resumable upload's first request with the address for its content."""
        load = job["configuration"]["load"]["destinationTable"]
        if job["jobReference"].get("location") != (
            at := self._location(load["projectId"], load["datasetId"])
        ):
            raise Refused(
                404,
                (
                    f"Not found: Dataset {load['projectId']}:{load['datasetId']} was not found in "
                    f"location, it is in {at}"
                ),
            )
        self.jobs[job["jobReference"]["jobId"]] = job
        return {
            "location": (
                f"{self.url}/upload/bigquery/v2/projects/{load['projectId']}/jobs/"
                f"{job['jobReference']['jobId']}"
            )
        }

    def _run(self, job: Body, content: bytes) -> Body:
        """Take all of the content in one request; a failed job is an answer too, and says so."""
        job["status"] = {"state": "RUNNING"}
        try:
            if "job" in self.refusals:
                raise Refused(self.refusals["job"], "Error while reading data: planted")
            rows = self._loaded(job["configuration"]["load"], content)
            job["statistics"] = {"load": {"outputRows": str(rows)}}
        except Refused as refused:
            job["status"] |= {"errorResult": refused.result, "errors": [refused.result]}
        return job

    def _loaded(self, load: Body, content: bytes) -> int:
        rows = pa.parquet.read_table(io.BytesIO(content))
        _check(pa.parquet.ParquetFile(io.BytesIO(content)).schema, load["schema"]["fields"])
        name = ".".join(
            load["destinationTable"][part] for part in ("projectId", "datasetId", "tableId")
        )
        table, brought = self.tables.get(name), load.get("destinationTableProperties", {})
        if table and any(table.resource.get(key) != value for key, value in brought.items()):
            raise Refused(400, "Cannot change the properties of an existing table by a load job")
        if table and load.get("writeDisposition") != "WRITE_TRUNCATE":
            rows = pa.concat_tables([table.rows, rows])
        self.tables[name] = Table(
            rows, {**(table.resource if table else brought), "schema": load["schema"]}
        )
        return rows.num_rows

    def _change(self, name: str, body: Body) -> Body:
        if name not in self.tables:
            raise Refused(404, f"Not found: Table {name.replace('.', ':', 1)}")
        resource = self.tables[name].resource
        resource |= {**body, "labels": {**resource.get("labels", {}), **body.get("labels", {})}}
        return {
            **resource,
            "tableReference": dict(
                zip(("projectId", "datasetId", "tableId"), name.split("."), strict=True)
            ),
        }

    def _location(self, project: str, dataset: str) -> str:
        if f"{project}.{dataset}" not in self.datasets:
            raise Refused(404, f"Not found: Dataset {project}:{dataset}")
        return self.datasets[f"{project}.{dataset}"]


def _check(found: pa.parquet.ParquetSchema, wanted: list[Body]) -> None:
    columns = {
        column.name: column.physical_type for column in (found.column(i) for i in range(len(found)))
    }
    for column in wanted:
        if columns.get(column["name"]) != PARQUET_TYPES[column["type"]]:
            kind = f"Parquet column '{column['name']}' has type {columns.get(column['name'])}"
            raise Refused(
                400,
                (
                    f"Error while reading data, error message: {kind} which does not match the "
                    f"target cpp_type {column['type']}."
                ),
            )


class Handler(BaseHTTPRequestHandler):
    google: BigQueryLoads
    protocol_version = "HTTP/1.1"

    def respond(self) -> None:
        content = self.rfile.read(int(self.headers.get("content-length") or 0))
        try:
            status, body = 200, self.google.answer(self.command, self.path, content)
        except Refused as refused:
            status, body = refused.code, refused.body
        answer = json.dumps(body).encode()
        self.send_response(status)
        if self.command == "POST" and "location" in body:
            self.send_header("location", body["location"])
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_POST = do_PUT = do_PATCH = respond  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: `requests` keeps them."""
