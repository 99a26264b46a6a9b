"""BigQuery's streaming buffer, for the proxy before its stand-in: what no DELETE may touch.

"Rows that were recently written using the tabledata.insertall streaming method can't be modified
with DML ... within the last 30 minutes"
(docs.cloud.google.com/bigquery/docs/data-manipulation-language#limitations). It understands the
DELETE of what is older than a time.
"""

import json
import re
import time
from collections import defaultdict
from datetime import datetime

BUFFERED_SECONDS = 30 * 60
INSERT = re.compile(r"/projects/([^/]+)/datasets/([^/]+)/tables/([^/]+)/insertAll")
DELETE = re.compile(r"DELETE FROM `([^`]+)` WHERE (\w+) < TIMESTAMP '([^']+)'")
REFUSAL = (
    "UPDATE or DELETE statement over table {table} would affect rows in the streaming buffer, "
    "which is not supported"
)


class StreamingBuffer:
    """The rows of each table by the time at which they were streamed in."""

    def __init__(self) -> None:
        self._rows = defaultdict(list)

    def refusal(self, path: str, body: bytes) -> bytes | None:
        """Google's answer to a DELETE of buffered rows; None to any other call, which it notes."""
        insert = INSERT.search(path)
        if insert:
            streamed_rows = [entry["json"] for entry in json.loads(body)["rows"]]
            self._rows[".".join(insert.groups())].append((time.monotonic(), streamed_rows))
        delete = DELETE.search(_query(body)) if path.partition("?")[0].endswith("/jobs") else None
        if delete is None or not self._touches(*delete.groups()):
            return None
        message = REFUSAL.format(table=delete[1])
        errors = [{"reason": "invalidQuery", "message": message}]
        return json.dumps({"error": {"code": 400, "message": message, "errors": errors}}).encode()

    def _touches(self, table: str, column: str, end: str) -> bool:
        begin = time.monotonic() - BUFFERED_SECONDS
        buffered = [rows for moment, rows in self._rows[table] if moment >= begin]
        times = [row[column] for rows in buffered for row in rows if column in row]
        limit = datetime.fromisoformat(end)
        return any(datetime.fromisoformat(moment) < limit for moment in times)


def _query(body: bytes) -> str:
    try:
        configuration = json.loads(body).get("configuration", {})
    except ValueError:
        return ""
    query: str = configuration.get("query", {}).get("query", "")
    return query
