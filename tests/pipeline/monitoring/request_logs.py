"""Request logs on BigQuery's stand-in: tables of every kind, and rows of samples as requests."""

import contextlib
import io
import itertools
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta

from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from pipeline.serving.request_log.table import COLUMNS
from tests.standins import local_bigquery

PROJECT = "demo"
DATASET = "demo.log"
DAY = date(2026, 11, 20)
NUMBERS = itertools.count(1)
# Of AI Platform's log (docs.cloud.google.com/ai-platform/prediction/docs/online-predict).
LEGACY_COLUMNS = (
    ("model", "STRING", "REQUIRED"),
    ("model_version", "STRING", "REQUIRED"),
    ("time", "TIMESTAMP", "REQUIRED"),
    ("raw_data", "STRING", "REQUIRED"),
    ("raw_prediction", "STRING", "NULLABLE"),
    ("groundtruth", "STRING", "NULLABLE"),
)


@contextlib.contextmanager
def serving(folder) -> Iterator[bigquery.Client]:
    """A client of the stand-in with the dataset demo.log; the monitor's own finds it, too."""
    with local_bigquery.serving(folder) as server:
        os.environ["BIGQUERY_EMULATOR_HOST"] = server.url
        try:
            with bigquery.Client(PROJECT, AnonymousCredentials(), location="US") as client:
                client.create_dataset(DATASET)
                yield client
        finally:
            del os.environ["BIGQUERY_EMULATOR_HOST"]


@dataclass(frozen=True, kw_only=True)
class Request:
    """A logged request: JSON texts, one for each instance, and their answers."""

    version: str | None = "1"
    questions: list[str]
    answers: list[str] = field(default_factory=list)
    second: float = 0.0  # of DAY
    id: int | None = None

    def row(self) -> dict:
        moment = datetime.combine(DAY, time(), UTC) + timedelta(seconds=self.second)
        return {
            "endpoint": "e",
            "deployed_model_id": self.version,
            "logging_time": moment.isoformat(),
            "request_id": str(next(NUMBERS) if self.id is None else self.id),
            "request_payload": self.questions,
            "response_payload": self.answers,
        }


def requests_of(rows, scores, *, version="1", size=1) -> list[Request]:
    """The rows of an Arrow table as requests of `size` instances, and their answers."""
    instances = [json.dumps(_without_nulls(row)) for row in rows.to_pylist()]
    answers = [json.dumps(float(score)) for score in scores]
    places = range(0, len(instances), size)
    return [
        Request(
            version=version,
            questions=instances[place : place + size],
            answers=answers[place : place + size],
            second=place % 86_400,
        )
        for place in places
    ]


def _without_nulls(row: dict) -> dict:
    return {name: value for name, value in row.items() if value is not None}


def of_columns(baseline, names):
    """The baseline of these columns alone, and the pairs among them."""
    return replace(
        baseline,
        columns={name: baseline.columns[name] for name in names},
        pairs=tuple(pair for pair in baseline.pairs if {pair.left, pair.right} <= set(names)),
    )


def moved(requests: list[Request], seconds: float) -> list[Request]:
    return [replace(request, second=request.second + seconds) for request in requests]


def table(client, columns=COLUMNS, *, partitioned: bool = True) -> str:
    """A new, empty log; a partitioned one refuses queries of all its partitions."""
    name = f"{DATASET}.requests_{next(NUMBERS)}"
    schema = [bigquery.SchemaField(column, kind, mode=mode) for column, kind, mode in columns]
    made = bigquery.Table(name, schema=schema)
    if partitioned:
        made.time_partitioning = bigquery.TimePartitioning(field="logging_time")
        made.require_partition_filter = True
    client.create_table(made)
    return name


def log(client, requests: list[Request], **options) -> str:
    """A new log that holds these requests."""
    name = table(client, **options)
    load(client, name, [request.row() for request in requests])
    return name


def load(client, name: str, rows: list[dict]) -> None:
    """Append the rows, those columns alone that the table has."""
    schema = client.get_table(name).schema
    columns = {column.name for column in schema}
    lines = [
        json.dumps({column: value for column, value in row.items() if column in columns})
        for row in rows
    ]
    content = io.BytesIO("\n".join(lines).encode())
    config = bigquery.LoadJobConfig(schema=schema, source_format="NEWLINE_DELIMITED_JSON")
    client.load_table_from_file(content, name, job_config=config).result()


def jobs_reading(client, name: str) -> list:
    """The query jobs so far whose text names the table."""
    return [job for job in client.list_jobs() if f"`{name}`" in (getattr(job, "query", "") or "")]
