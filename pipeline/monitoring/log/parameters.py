"""Parameters of a statement for BigQuery."""

from collections.abc import Sequence


def scalars(parameters: Sequence[tuple[str, str, object]]) -> list[object]:
    """Parameters, each of a name, a type of BigQuery's and a value."""
    from google.cloud import bigquery

    return [bigquery.ScalarQueryParameter(*parameter) for parameter in parameters]
