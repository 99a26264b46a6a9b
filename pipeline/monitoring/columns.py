"""The columns of the tables in the verdicts dataset: name, type and mode.

infra/stacks/verdict_tables.py makes the tables by the same lists. Later columns are NULLABLE, since
BigQuery adds no other to a table with rows.
"""

Column = tuple[str, str, str]

VERDICTS: tuple[Column, ...] = (
    ("model", "STRING", "REQUIRED"),
    ("deployed_model_id", "STRING", "NULLABLE"),
    ("window_begin", "TIMESTAMP", "REQUIRED"),
    ("window_end", "TIMESTAMP", "REQUIRED"),
    ("verdict", "STRING", "REQUIRED"),
    ("reason", "STRING", "NULLABLE"),
    ("requests", "INTEGER", "REQUIRED"),
    ("report", "STRING", "NULLABLE"),
    ("version", "STRING", "NULLABLE"),
    ("instances", "INTEGER", "NULLABLE"),
    ("expected_requests", "FLOAT", "NULLABLE"),
    ("smallest_scale", "FLOAT", "NULLABLE"),
    ("smallest_share", "FLOAT", "NULLABLE"),
    ("findings", "STRING", "NULLABLE"),  # JSON, the worst first
    ("judged_at", "TIMESTAMP", "NULLABLE"),
    ("told", "BOOLEAN", "NULLABLE"),  # its events are in the event log
    ("quality", "STRING", "NULLABLE"),  # JSON, of live.Quality
    ("retraining", "STRING", "NULLABLE"),  # when one was asked for, or why none was
)
ACCEPTANCES: tuple[Column, ...] = (
    ("model", "STRING", "REQUIRED"),
    ("feature", "STRING", "REQUIRED"),
    ("ends_on", "DATE", "REQUIRED"),  # its last day
    ("because", "STRING", "REQUIRED"),
    ("accepted_by", "STRING", "REQUIRED"),
    ("accepted_at", "TIMESTAMP", "REQUIRED"),
)
