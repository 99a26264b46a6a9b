"""The columns of the tables in the verdicts' dataset.

They are those of pipeline/monitoring, in profile_columns.py and columns.py: a test compares them.
"""

PROFILE_DAYS = 5 * 365 + 1  # five years: counts outlive the rows, and are of no one in particular
PROFILES = [
    {"name": "model", "type": "STRING", "mode": "REQUIRED"},
    {"name": "day", "type": "DATE", "mode": "REQUIRED"},
    {"name": "deployed_model_id", "type": "STRING", "mode": "REQUIRED"},
    {"name": "bins", "type": "STRING", "mode": "REQUIRED"},
    {"name": "slice", "type": "STRING", "mode": "REQUIRED"},
    {"name": "kind", "type": "STRING", "mode": "REQUIRED"},
    {"name": "feature", "type": "STRING", "mode": "REQUIRED"},
    {"name": "counted_at", "type": "TIMESTAMP", "mode": "REQUIRED"},
    {"name": "counts", "type": "INTEGER", "mode": "REPEATED"},
    {"name": "missing", "type": "INTEGER", "mode": "NULLABLE"},
    {"name": "mistyped", "type": "INTEGER", "mode": "NULLABLE"},
    {"name": "whole", "type": "INTEGER", "mode": "NULLABLE"},
    {"name": "positive", "type": "INTEGER", "mode": "NULLABLE"},
    {"name": "log_sum", "type": "FLOAT", "mode": "NULLABLE"},
    {"name": "log_square_sum", "type": "FLOAT", "mode": "NULLABLE"},
    {"name": "distinct_values", "type": "INTEGER", "mode": "NULLABLE"},
    {"name": "other_values", "type": "STRING", "mode": "NULLABLE"},
]
VERDICTS = [
    {"name": "model", "type": "STRING", "mode": "REQUIRED"},
    {"name": "deployed_model_id", "type": "STRING", "mode": "NULLABLE"},
    {"name": "window_begin", "type": "TIMESTAMP", "mode": "REQUIRED"},
    {"name": "window_end", "type": "TIMESTAMP", "mode": "REQUIRED"},
    {"name": "verdict", "type": "STRING", "mode": "REQUIRED"},
    {"name": "reason", "type": "STRING", "mode": "NULLABLE"},
    {"name": "requests", "type": "INTEGER", "mode": "REQUIRED"},
    {"name": "report", "type": "STRING", "mode": "NULLABLE"},
    {"name": "version", "type": "STRING", "mode": "NULLABLE"},
    {"name": "instances", "type": "INTEGER", "mode": "NULLABLE"},
    {"name": "expected_requests", "type": "FLOAT", "mode": "NULLABLE"},
    {"name": "smallest_scale", "type": "FLOAT", "mode": "NULLABLE"},
    {"name": "smallest_share", "type": "FLOAT", "mode": "NULLABLE"},
    {"name": "findings", "type": "STRING", "mode": "NULLABLE"},
    {"name": "judged_at", "type": "TIMESTAMP", "mode": "NULLABLE"},
    {"name": "told", "type": "BOOLEAN", "mode": "NULLABLE"},
    {"name": "quality", "type": "STRING", "mode": "NULLABLE"},
    {"name": "retraining", "type": "STRING", "mode": "NULLABLE"},
]
ACCEPTANCES = [
    {"name": "model", "type": "STRING", "mode": "REQUIRED"},
    {"name": "feature", "type": "STRING", "mode": "REQUIRED"},
    {"name": "ends_on", "type": "DATE", "mode": "REQUIRED"},
    {"name": "because", "type": "STRING", "mode": "REQUIRED"},
    {"name": "accepted_by", "type": "STRING", "mode": "REQUIRED"},
    {"name": "accepted_at", "type": "TIMESTAMP", "mode": "REQUIRED"},
]
