"""Finds the row of an answered request in a request log, by its id."""

from datetime import datetime
from decimal import Decimal

from pipeline.gcp import bigquery
from pipeline.gcp.protocols import BigQuery
from pipeline.monitoring.log.log_tables import described


def rows(client: BigQuery, table: str, request: str) -> list[tuple[str, datetime]]:
    """The id of the deployed model that answered, and when; a copy of a row is no second one.

    Empty for an id that the log does not have, or no longer, and where there is no log yet.
    """
    from google.cloud.bigquery import ScalarQueryParameter

    log = described(client, table)
    if log is None:
        return []
    statement = f"""
        SELECT id, MIN(moment) AS moment FROM ({log.all()})
        WHERE SAFE_CAST(request_id AS NUMERIC) = @request GROUP BY id
    """
    parameter = ScalarQueryParameter("request", "NUMERIC", Decimal(request))
    subject = f"the request log {table}"
    answer = bigquery.run(client, statement, subject, parameters=[parameter])
    return [(row["id"], row["moment"]) for row in answer]
