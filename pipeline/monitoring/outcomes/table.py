"""The table where a model's outcomes arrive: whether it is one, and its rows in SQL.

A row is one outcome of one key. Its team fills it, as it likes: late, twice, with a correction.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from pipeline.baseline.content import Labels
from pipeline.errors import RunError
from pipeline.gcp.bigquery import asking, run
from pipeline.gcp.protocols import BigQuery

KEY_TYPES = ("STRING", "INTEGER", "INT64")
BOOLEAN_TYPES = ("BOOLEAN", "BOOL")
NUMBER_TYPES = ("INTEGER", "INT64", "FLOAT", "FLOAT64", "NUMERIC")
TIME_TYPES = ("TIMESTAMP", "DATE", "DATETIME")


@dataclass(frozen=True, kw_only=True)
class LabelTable:
    """A table with the declared columns; `name` is its full name."""

    name: str
    labels: Labels
    types: Mapping[str, str]  # of its columns

    def outcomes(self, day: date) -> str:
        """A query of the outcomes that became known since a day: a row a key.

        Its condition is on the column itself and a literal, so that older partitions are not read.
        """
        key, outcome = f"`{self.labels.key}`", f"`{self.labels.outcome}`"
        is_boolean = self.types[self.labels.outcome] in BOOLEAN_TYPES
        number = f"CAST({outcome} AS INT64)" if is_boolean else outcome
        return f"""SELECT CAST({key} AS STRING) AS label_key,
  MIN(CAST({number} AS FLOAT64)) AS lowest, MAX(CAST({number} AS FLOAT64)) AS highest,
  MIN({self._known_at}) AS known, COUNT(*) AS copies
FROM `{self.name}`
WHERE {self._since(day)} AND {key} IS NOT NULL AND {outcome} IS NOT NULL
GROUP BY label_key"""

    def arrivals(self, client: BigQuery, first: date) -> dict[date, int]:
        """How many rows became known on each day from the first one on."""
        statement = f"""SELECT DATE({self._known_at}) AS day, COUNT(*) AS copies
FROM `{self.name}`
WHERE {self._since(first)} AND `{self.labels.key}` IS NOT NULL
  AND `{self.labels.outcome}` IS NOT NULL
GROUP BY day"""
        rows = run(client, statement, _subject(self.name), labels={"purpose": "labels"})
        return {row["day"]: row["copies"] for row in rows}

    @property
    def _known_at(self) -> str:
        column = f"`{self.labels.known_at}`"
        is_timestamp = self.types[self.labels.known_at] == "TIMESTAMP"
        return column if is_timestamp else f"TIMESTAMP({column})"

    def _since(self, day: date) -> str:
        kind = self.types[self.labels.known_at]
        midnight = {"TIMESTAMP": " 00:00:00+00", "DATETIME": " 00:00:00", "DATE": ""}
        return f"`{self.labels.known_at}` >= {kind} '{day}{midnight[kind]}'"


def described(client: BigQuery, name: str, labels: Labels) -> LabelTable:
    """The table as it is; RunError where it is missing, or can't be what is declared."""
    from google.api_core.exceptions import NotFound

    with asking(_subject(name)):
        try:
            table = client.get_table(name)
        except NotFound:
            raise RunError(
                f"{_subject(name)} is missing, allowed is a table or a view with the columns "
                f"{labels.key}, {labels.outcome} and {labels.known_at}"
            ) from None
    types = {column.name: column.field_type for column in table.schema}
    allowed = {
        labels.key: KEY_TYPES,
        labels.outcome: (*BOOLEAN_TYPES, *NUMBER_TYPES),
        labels.known_at: TIME_TYPES,
    }
    for column, kinds in allowed.items():
        _check(name, column, types, kinds)
    return LabelTable(name=name, labels=labels, types=types)


def _check(name: str, column: str, types: Mapping[str, str], allowed: tuple[str, ...]) -> None:
    if column not in types:
        raise RunError(
            f"{_subject(name)} has no column {column}, its columns are {', '.join(types)}: "
            "[monitoring.labels] of model.toml names it"
        )
    if types[column] not in allowed:
        raise RunError(
            f"{_subject(name)} has the column {column} of type {types[column]}, "
            f"allowed are {', '.join(allowed)}"
        )


def _subject(name: str) -> str:
    return f"the table of outcomes {name}"
