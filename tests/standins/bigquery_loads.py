"""A stand-in on loopback for the load jobs and dry runs of BigQuery's REST API.

It answers for datasets, uploads, jobs and tables. google-cloud-bigquery reaches `with
BigQueryLoads() as google:` by BIGQUERY_EMULATOR_HOST=google.url. It keeps what a job loads, and
fails a job as Google documents: a missing dataset, another location, a column of another type, a
description that differs.

It does not prove that BigQuery takes our Parquet, that its quotas allow a load, or that an account
may do it. Of queries it answers dry runs alone.
"""

import io
import itertools
import json
import threading
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

import pyarrow as pa
import pyarrow.parquet

from tests.standins import bigquery_dry_runs
from tests.standins.bigquery_tables import (
    TABLE_REFERENCE,
    Body,
    Refused,
    Table,
    check,
    check_properties,
    reference,
)


@dataclass
class BigQueryLoads:
    """`datasets` by PROJECT.DATASET, with their location; `views` by name, with their query.

    `refusals` are statuses by how the refused request's line begins, or by "job".
    """

    datasets: dict[str, str] = field(default_factory=dict)
    tables: dict[str, Table] = field(default_factory=dict)
    views: dict[str, str] = field(default_factory=dict)
    clock: Iterator[int] = field(default_factory=lambda: itertools.count(1_700_000_000_000))
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
        product, _, resource = address.strip("/").partition("/v2/projects/")
        match [method, product, *resource.split("/")]:
            case ["POST", "upload/bigquery", _, "jobs"]:
                return self._announce(json.loads(content))
            case ["PUT", "upload/bigquery", _, "jobs", job]:
                return self._run(self.jobs[job], content)
            case ["GET", "bigquery", _, "jobs", job]:
                return self._finished(self.jobs[job])
            case ["POST", "bigquery", _, "jobs"]:
                job = json.loads(content)
                return bigquery_dry_runs.finished(job, self.datasets, self.tables, self.views)
            case ["GET", "bigquery", project, "datasets", dataset]:
                return self._dataset(project, dataset)
            case ["GET", "bigquery", project, "datasets", dataset, "tables", table]:
                return self._resource(f"{project}.{dataset}.{table}")
            case ["PATCH", "bigquery", project, "datasets", dataset, "tables", table]:
                return self._change(f"{project}.{dataset}.{table}", json.loads(content))
        raise Refused(501, f"the stand-in knows no {method} {path}")

    def _resource(self, name: str) -> Body:
        """A table or view, as tables.get answers: a view is as old as its query."""
        fields = {"tableReference": reference(name)}
        if name in self.views:
            modified = zlib.crc32(self.views[name].encode())
            return {**fields, "type": "VIEW", "lastModifiedTime": str(modified)}
        table = self._table(name)
        return {**fields, "type": "TABLE", "lastModifiedTime": str(table.modified)} | table.resource

    def _table(self, name: str) -> Table:
        if name not in self.tables:
            raise Refused(404, f"Not found: Table {name.replace('.', ':', 1)}")
        return self.tables[name]

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
        check(file.schema, schema["fields"])
        destination = load["destinationTable"]
        name = ".".join(destination[part] for part in TABLE_REFERENCE)
        resource = load.get("destinationTableProperties", {})

        table = self.tables.get(name)
        if table:
            check_properties(resource, table.resource)
            resource = table.resource
            if load.get("writeDisposition") != "WRITE_TRUNCATE":
                rows = pa.concat_tables([table.rows, rows])
        self.tables[name] = Table(rows, {**resource, "schema": schema}, next(self.clock))
        return rows.num_rows

    def _change(self, name: str, body: Body) -> Body:
        resource = self._table(name).resource
        labels = resource.get("labels", {}) | body.get("labels", {})
        resource |= {**body, "labels": labels}
        return {**resource, "tableReference": reference(name)}

    def _location(self, project: str, dataset: str) -> str:
        location = self.datasets.get(f"{project}.{dataset}")
        if location is None:
            raise Refused(404, f"Not found: Dataset {project}:{dataset}")
        return location


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
