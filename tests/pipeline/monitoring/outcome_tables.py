"""Tables of outcomes on BigQuery's stand-in, and requests whose instances have keys."""

import io
import json
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

from google.cloud import bigquery

from pipeline.baseline.content import Gate, Labels
from tests.pipeline.monitoring.request_logs import DATASET, DAY, NUMBERS, requests_of

LABELS = Labels(table="outcomes", delay_days=7)
COLUMNS = (("key", "STRING"), ("outcome", "INTEGER"), ("known_at", "TIMESTAMP"))


def with_labels(baseline, table, **gate):
    """The baseline of a model that declares this table, in the log's dataset."""
    _, _, name = table.rpartition(".")
    values = {"metric": "auc", "lower_bound": 0.6} | gate
    return replace(baseline, labels=replace(LABELS, table=name), gate=Gate(**values))


def table(client, columns=COLUMNS):
    """A new, empty table."""
    name = f"{DATASET}.outcomes_{next(NUMBERS)}"
    make(client, name, columns)
    return name


def make(client, name, columns=COLUMNS):
    schema = [bigquery.SchemaField(column, kind) for column, kind in columns]
    client.create_table(bigquery.Table(name, schema=schema))


def outcome(key, value, *, days=1.0):
    """A row of the table; it became known so many days after the requests' midnight."""
    midnight = datetime.combine(DAY, time(), UTC)
    known_at = midnight + timedelta(days=days)
    return {"key": key, "outcome": value, "known_at": known_at.isoformat()}


def load(client, name, rows):
    schema = client.get_table(name).schema
    lines = [json.dumps(row) for row in rows]
    content = io.BytesIO("\n".join(lines).encode())
    config = bigquery.LoadJobConfig(schema=schema, source_format="NEWLINE_DELIMITED_JSON")
    client.load_table_from_file(content, name, job_config=config).result()


def keyed(rows, scores, **options):
    """Requests of the rows; the row at a place has the key `k` and the place."""
    keys = [f"k{place}" for place in range(rows.num_rows)]
    requests = requests_of(rows.append_column("_key", [keys]), scores, **options)
    return list(requests)
