"""BigQuery's table of logged requests: Vertex's columns, and a view without duplicates.

The columns are those of Vertex's request-response log, version v1
(cloud.google.com/vertex-ai/docs/predictions/online-prediction-logging).
"""

import os
import re
from dataclasses import dataclass
from typing import Any

from pipeline.errors import ConfigurationError

NAME = re.compile(r"(?P<project>[a-z][a-z0-9.:-]*)\.(?P<dataset>\w{1,1024})\.(?P<table>\w{1,1000})")
COLUMNS = (
    ("endpoint", "STRING", "NULLABLE"),
    ("deployed_model_id", "STRING", "NULLABLE"),
    ("logging_time", "TIMESTAMP", "NULLABLE"),
    ("request_id", "NUMERIC", "NULLABLE"),
    ("request_payload", "STRING", "REPEATED"),
    ("response_payload", "STRING", "REPEATED"),
)
TIMEOUT_SECONDS = 20.0
Row = dict[str, Any]  # by column
# insertAll promises to drop a repeated row for about a minute, best effort
# (cloud.google.com/bigquery/docs/streaming-data-into-bigquery#dataconsistency).
ONCE = """
SELECT * EXCEPT (place) FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY request_id ORDER BY logging_time) AS place
  FROM `{table}`
)
WHERE place = 1
"""


class RefusedError(Exception):
    """BigQuery takes none of these rows, however often it is asked; the status says why."""

    def __init__(self, status: int) -> None:
        super().__init__(f"BigQuery answers {status}")
        self.status = status


@dataclass(frozen=True)
class LogTable:
    """PROJECT.DATASET.TABLE, in an existing dataset."""

    name: str

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise ConfigurationError(
                f"the request log is {self.name[:80]!r}, allowed is PROJECT.DATASET.TABLE"
            )

    @property
    def view(self) -> str:
        return f"{self.name}_once"

    def connect(self) -> "Connection":
        """Make the table and its view if they are missing; raises Google's errors."""
        return Connection(self)


class Connection:
    """A client of the table, for one thread; it makes a missing table if allowed."""

    def __init__(self, table: LogTable) -> None:
        from google.cloud import bigquery  # a second to import, while the port must answer at once

        self._table = table
        self._client = bigquery.Client(**_access(table))
        self._prepare(bigquery)

    def insert(self, rows: list[Row]) -> list[str]:
        """Insert the rows and return why BigQuery refused some, a reason for each of them.

        Raises RefusedError where it refuses the request as a whole, and Google's other errors
        where asking again later may help.
        """
        from google.api_core.exceptions import BadRequest, GoogleAPICallError
        from google.cloud.bigquery import AutoRowIDs

        try:
            errors_of_rows = self._client.insert_rows_json(
                self._table.name,
                rows,
                row_ids=AutoRowIDs.DISABLED,
                skip_invalid_rows=True,
                retry=None,
                timeout=TIMEOUT_SECONDS,
            )
        except BadRequest as error:
            raise RefusedError(400) from error
        except GoogleAPICallError as error:
            if error.code == 413:
                raise RefusedError(413) from error
            raise
        reasons = {entry["index"]: _reason(entry["errors"]) for entry in errors_of_rows}
        return list(reasons.values())

    def _prepare(self, bigquery: Any) -> None:
        schema = [bigquery.SchemaField(name, kind, mode=mode) for name, kind, mode in COLUMNS]
        table = bigquery.Table(self._table.name, schema=schema)
        table.time_partitioning = bigquery.TimePartitioning(field="logging_time")
        self._make(table)
        view = bigquery.Table(self._table.view)
        view.view_query = ONCE.format(table=self._table.name)
        self._make(view)

    def _make(self, table: Any) -> None:
        from google.api_core.exceptions import Forbidden, NotFound

        # Without the client's own retries, which say nothing for ten minutes.
        patience: dict[str, Any] = {"retry": None, "timeout": TIMEOUT_SECONDS}
        try:
            self._client.create_table(table, exists_ok=True, **patience)
        except Forbidden as refusal:  # told also where somebody else has made it
            try:
                self._client.get_table(table, **patience)
            except NotFound:
                raise refusal from None


def _access(table: LogTable) -> dict[str, Any]:
    """The client's arguments; an emulator of BigQuery asks for no credentials."""
    match = NAME.fullmatch(table.name)
    assert match
    access: dict[str, Any] = {"project": match["project"]}
    if "BIGQUERY_EMULATOR_HOST" in os.environ:
        from google.auth.credentials import AnonymousCredentials

        access["credentials"] = AnonymousCredentials()
    return access


def _reason(errors: list[dict[str, str]]) -> str:
    """The first error of a row: its message and its column."""
    first, *_ = errors
    return f"{first.get('message', '')} {first.get('location', '')}".strip()
