"""The profiles table in BigQuery: made, read by days, and a day of it replaced.

A day is replaced as a whole by one MERGE, which BigQuery does or does not do; two monitors that
replace the same day at a time are one after the other
(docs.cloud.google.com/bigquery/docs/data-manipulation-language#dml_statement_conflicts).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from pipeline.gcp import bigquery
from pipeline.gcp.protocols import BigQuery, Row
from pipeline.monitoring.log.profile_columns import CLUSTERED_BY, COUNTED, PARTITIONED_BY, PROFILES
from pipeline.monitoring.log.profile_rows import Values

PARAMETER_TYPES = {"INTEGER": "INT64", "FLOAT": "FLOAT64"}


@dataclass(frozen=True, kw_only=True)
class ProfileTable:
    """The rows of one model and of these kinds in the profiles table `name`."""

    client: BigQuery
    name: str
    model: str
    kinds: Sequence[str] = COUNTED

    def prepare(self) -> None:
        """Make the table if it is missing."""
        from google.cloud import bigquery as library

        schema = [library.SchemaField(name, kind, mode=mode) for name, kind, mode in PROFILES]
        table = library.Table(self.name, schema=schema)
        table.time_partitioning = library.TimePartitioning(field=PARTITIONED_BY)
        table.clustering_fields = list(CLUSTERED_BY)
        with bigquery.asking(self._subject):
            self.client.create_table(table, exists_ok=True)

    def rows(self, columns: str, begin: date, end: date, **equal: str) -> list[Row]:
        """The rows of the days from `begin` to `end` whose columns equal these texts."""
        conditions = [f"{name} = @{name}" for name in equal]
        query = f"""
            SELECT {columns} FROM `{self.name}` AS T
            WHERE {" AND ".join(["day BETWEEN @begin AND @end", self._own, *conditions])}
        """
        return self._run(query, "read", {"begin": begin, "end": end, **equal})

    def replace(self, day: date, rows: Sequence[Values]) -> None:
        """Keep these rows of the day, and no others."""
        from google.cloud import bigquery as library

        if not rows:
            query = f"DELETE FROM `{self.name}` AS T WHERE T.day = @begin AND {self._own}"
            self._run(query, "keep", {"begin": day})
            return
        names = [name for name, _, _ in PROFILES]
        entries = ", ".join(f"entry.{name} AS {name}" for name in names)
        values = ", ".join(f"S.{name}" for name in names)
        # A condition that is always false inserts and deletes at once
        # (docs.cloud.google.com/bigquery/docs/reference/standard-sql/dml-syntax#merge_statement).
        query = f"""
            MERGE `{self.name}` AS T USING (SELECT {entries} FROM UNNEST(@rows) AS entry) AS S
            ON FALSE
            WHEN NOT MATCHED THEN INSERT ({", ".join(names)}) VALUES ({values})
            WHEN NOT MATCHED BY SOURCE AND T.day = @begin AND {self._own} THEN DELETE
        """
        structs = [_struct(row) for row in rows]
        array = library.ArrayQueryParameter("rows", "STRUCT", structs)
        self._run(query, "keep", {"begin": day}, [array])

    @property
    def _own(self) -> str:
        """The condition of a row that is one of these."""
        kinds = ", ".join(f"'{kind}'" for kind in self.kinds)
        return f"T.model = @model AND T.kind IN ({kinds})"

    @property
    def _subject(self) -> str:
        return f"the profiles table {self.name}"

    def _run(
        self,
        query: str,
        purpose: str,
        values: Mapping[str, date | str],
        parameters: Sequence[object] = (),
    ) -> list[Row]:
        from google.cloud import bigquery as library

        scalars = [library.ScalarQueryParameter("model", "STRING", self.model)]
        for name, value in values.items():
            type_ = "DATE" if isinstance(value, date) else "STRING"
            scalars.append(library.ScalarQueryParameter(name, type_, value))
        return bigquery.run(
            self.client,
            query,
            self._subject,
            parameters=[*scalars, *parameters],
            labels={"model": self.model.lower(), "purpose": purpose},
        )


def _struct(row: Values) -> Any:
    """A row as a parameter with every column."""
    from google.cloud import bigquery as library

    fields: list[Any] = []
    for name, kind, mode in PROFILES:
        type_ = PARAMETER_TYPES.get(kind, kind)
        if mode == "REPEATED":
            fields.append(library.ArrayQueryParameter(name, type_, row.get(name, [])))
        else:
            fields.append(library.ScalarQueryParameter(name, type_, row.get(name)))
    return library.StructQueryParameter(None, *fields)
