"""The columns of the profiles table: a row a model, version, day, slice and feature.

Infra makes the table by the same list, partitioned by `day` and clustered by `model`. The rows of
kind `requests` hold a group's totals; those of `column`, `pair` and `scores` hold counts by bin;
those of `labels` hold what label_counts.LabelCounts has.
"""

Column = tuple[str, str, str]

PROFILES: tuple[Column, ...] = (
    ("model", "STRING", "REQUIRED"),
    ("day", "DATE", "REQUIRED"),  # UTC
    ("deployed_model_id", "STRING", "REQUIRED"),
    ("bins", "STRING", "REQUIRED"),  # layout.digest of the baseline's; empty without a baseline
    ("slice", "STRING", "REQUIRED"),  # COLUMN=VALUE, or empty: all instances
    ("kind", "STRING", "REQUIRED"),  # of COUNTED or LABELS
    ("feature", "STRING", "REQUIRED"),
    ("counted_at", "TIMESTAMP", "REQUIRED"),
    ("counts", "INTEGER", "REPEATED"),  # by bin; of requests: by TOTALS
    ("missing", "INTEGER", "NULLABLE"),
    ("mistyped", "INTEGER", "NULLABLE"),
    ("whole", "INTEGER", "NULLABLE"),
    ("positive", "INTEGER", "NULLABLE"),
    ("log_sum", "FLOAT", "NULLABLE"),
    ("log_square_sum", "FLOAT", "NULLABLE"),
    ("distinct_values", "INTEGER", "NULLABLE"),
    ("other_values", "STRING", "NULLABLE"),  # JSON: value -> instances, at least ten
)
COUNTED = ("requests", "column", "pair", "scores")  # of every instance
LABELS = ("labels",)  # of those whose outcome may be known
PARTITIONED_BY = "day"
CLUSTERED_BY = ("model",)
TOTALS = (
    "instances",
    "requests",
    "request_squares",
    "unparsable",
    "foreign",
    "unanswered",
    "smoke",
)
