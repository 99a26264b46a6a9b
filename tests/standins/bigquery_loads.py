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
TABLE_REFERENCE = ("projectId", "datasetId", "tableId")


class Refused(Exception):  # noqa: N818
    """Answered with this status, as Google words it."""

    def __init__(self, code: int, message: str) -> None:
        reason, status = WORDS.get(code, ("invalid", "INVALID_ARGUMENT"))
        self.code = code
        self.result = {"reason": reason, "message": message}
        error = {"code": code, "message": message, "status": status, "errors": [self.result]}
        self.body = {"error": error}


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
        handler = type("HandlerOfLoads", (Handler,), {"google": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, method: str, path: str, content: bytes) -> Body:
        line = f"{method} {path}"
        self.requests.append(line)
        for beginning, status in self.refusals.items():
            if line.startswith(beginning):
                raise Refused(status, "Access Denied: planted")
        address, _, _ = path.partition("?")
        parts = address.strip("/").split("/")
        match [method, *parts]:
            case ["POST", "upload", "bigquery", "v2", "projects", _, "jobs"]:
                return self._announce(json.loads(content))
            case ["PUT", "upload", "bigquery", "v2", "projects", _, "jobs", job]:
                return self._run(self.jobs[job], content)
            case ["GET", "bigquery", "v2", "projects", _, "jobs", job]:
                return self._finished(self.jobs[job])
            case ["GET", "bigquery", "v2", "projects", project, "datasets", dataset]:
                return self._dataset(project, dataset)
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

    def _finished(self, job: Body) -> Body:
        status = job["status"] | {"state": "DONE"}
        return job | {"status": status}

    def _dataset(self, project: str, dataset: str) -> Body:
        location = self._location(project, dataset)
        reference = {"projectId": project, "datasetId": dataset}
        return {"datasetReference": reference, "location": location}

    def _announce(self, job: Body) -> Body:
        """Answer a resumable upload's first request with the address for its content."""
        table = job["configuration"]["load"]["destinationTable"]
        project = table["projectId"]
        dataset = table["datasetId"]
        reference = job["jobReference"]
        location = self._location(project, dataset)
        if reference.get("location") != location:
            raise Refused(
                404,
                (
                    f"Not found: Dataset {project}:{dataset} was not found in "
                    f"location, it is in {location}"
                ),
            )
        id_ = reference["jobId"]
        self.jobs[id_] = job
        return {"location": f"{self.url}/upload/bigquery/v2/projects/{project}/jobs/{id_}"}

    def _run(self, job: Body, content: bytes) -> Body:
        """Take all of the content in one request; a failed job is an answer too, and says so."""
        job["status"] = {"state": "RUNNING"}
        load = job["configuration"]["load"]
        try:
            if "job" in self.refusals:
                raise Refused(self.refusals["job"], "Error while reading data: planted")
            row_count = self._loaded(load, content)
            job["statistics"] = {"load": {"outputRows": str(row_count)}}
        except Refused as refused:
            job["status"] |= {"errorResult": refused.result, "errors": [refused.result]}
        return job

    def _loaded(self, load: Body, content: bytes) -> int:
        """Keep the content's rows in the table of the load; return their number."""
        schema = load["schema"]
        rows = pa.parquet.read_table(io.BytesIO(content))
        file = pa.parquet.ParquetFile(io.BytesIO(content))
        _check(file.schema, schema["fields"])
        destination = load["destinationTable"]
        name = ".".join(destination[part] for part in TABLE_REFERENCE)
        resource = load.get("destinationTableProperties", {})

        table = self.tables.get(name)
        if table:
            _check_properties(resource, table.resource)
            resource = table.resource
            if load.get("writeDisposition") != "WRITE_TRUNCATE":
                rows = pa.concat_tables([table.rows, rows])
        self.tables[name] = Table(rows, {**resource, "schema": schema})
        return rows.num_rows

    def _change(self, name: str, body: Body) -> Body:
        if name not in self.tables:
            raise Refused(404, f"Not found: Table {name.replace('.', ':', 1)}")
        resource = self.tables[name].resource
        labels = resource.get("labels", {}) | body.get("labels", {})
        resource |= {**body, "labels": labels}
        parts = name.split(".")
        reference = dict(zip(TABLE_REFERENCE, parts, strict=True))
        return {**resource, "tableReference": reference}

    def _location(self, project: str, dataset: str) -> str:
        location = self.datasets.get(f"{project}.{dataset}")
        if location is None:
            raise Refused(404, f"Not found: Dataset {project}:{dataset}")
        return location


def _check_properties(properties: Body, resource: Body) -> None:
    """Refuse a load that would change what a table says of itself."""
    for key, value in properties.items():
        if resource.get(key) != value:
            raise Refused(400, "Cannot change the properties of an existing table by a load job")


def _check(schema: pa.parquet.ParquetSchema, fields: list[Body]) -> None:
    """Refuse a column whose type in the file is not that of the table's schema."""
    columns = [schema.column(number) for number in range(len(schema))]
    types = {column.name: column.physical_type for column in columns}
    for field_ in fields:
        name = field_["name"]
        kind = field_["type"]
        written_kind = types.get(name)
        if written_kind != PARQUET_TYPES[kind]:
            raise Refused(
                400,
                (
                    f"Error while reading data, error message: Parquet column '{name}' has type "
                    f"{written_kind} which does not match the target cpp_type {kind}."
                ),
            )


class Handler(BaseHTTPRequestHandler):
    google: BigQueryLoads
    protocol_version = "HTTP/1.1"

    def respond(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        content = self.rfile.read(length)
        try:
            status = 200
            body = self.google.answer(self.command, self.path, content)
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
