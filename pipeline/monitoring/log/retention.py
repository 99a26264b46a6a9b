"""Forgets logged requests after their days: by partitions where there are some, else by a DELETE.

The dataset's default expiry is of partitions alone, and does not reach a table that was there
before (docs.cloud.google.com/bigquery/docs/managing-partitioned-tables#partition-expiration).
"""

from datetime import UTC, datetime, time, timedelta

from pipeline.errors import RunError
from pipeline.gcp import bigquery
from pipeline.gcp.protocols import BigQuery
from pipeline.monitoring.log.log_tables import LogTable

DAY_MILLISECONDS = 24 * 3600 * 1000
# No DELETE may touch rows streamed in the last 30 minutes, and in rare cases 90
# (docs.cloud.google.com/bigquery/docs/data-manipulation-language#limitations,
# cloud.google.com/knowledge/kb/cannot-update-or-delete-over-bigquery-streaming-tables-000004334).
STREAMED = timedelta(minutes=90)


def enforce(client: BigQuery, log: LogTable, days: int, *, now: datetime | None = None) -> str:
    """Keep the log's last `days` days, and say how."""
    if log.partitioned:
        return _expire(client, log, days)
    return _delete(client, log, days, now or datetime.now(UTC))


def _expire(client: BigQuery, log: LogTable, days: int) -> str:
    with bigquery.asking(f"the request log {log.name}"):
        table = client.get_table(log.name)
        partitioning = table.time_partitioning
        assert partitioning is not None
        if partitioning.expiration_ms != days * DAY_MILLISECONDS:
            partitioning.expiration_ms = days * DAY_MILLISECONDS
            table.time_partitioning = partitioning
            client.update_table(table, ["time_partitioning"])
    return f"{log.name}: a day's partition goes after {days} days"


def _delete(client: BigQuery, log: LogTable, days: int, now: datetime) -> str:
    """Delete whole days; what came late and is still being streamed in goes another day."""
    first_kept = datetime.combine(now.date() - timedelta(days=days), time(), UTC)
    end = min(first_kept, now - STREAMED)
    statement = (
        f"DELETE FROM `{log.name}` WHERE {log.format.time} < TIMESTAMP '{end:%Y-%m-%d %H:%M:%S}+00'"
    )
    try:
        bigquery.run(
            client, statement, f"the request log {log.name}", labels={"purpose": "retention"}
        )
    except RunError as error:
        if "streaming buffer" not in str(error):
            raise
        return f"{log.name}: rows before {end:%Y-%m-%d} are still being streamed in, and stay today"
    return f"{log.name}: rows before {end:%Y-%m-%d} are deleted"
