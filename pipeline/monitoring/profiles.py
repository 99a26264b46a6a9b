"""The profiles table: a log's day is counted into it once, and every window is a sum of its days.

A day is replaced as a whole by one MERGE, which BigQuery does or does not do; two monitors that
replace the same day at a time are one after the other
(docs.cloud.google.com/bigquery/docs/data-manipulation-language#dml_statement_conflicts).
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from pipeline.baseline.content import Baseline, Slice
from pipeline.baseline.profile import Profile
from pipeline.gcp import bigquery
from pipeline.gcp.protocols import BigQuery, Row
from pipeline.monitoring import counted, log_tables, profile_rows, statement
from pipeline.monitoring.counted import Counted
from pipeline.monitoring.layout import Layout, digest
from pipeline.monitoring.profile_columns import CLUSTERED_BY, PARTITIONED_BY, PROFILES

# A row may be logged so long after its request; a day that was counted earlier is counted again.
LATE = timedelta(hours=3)
KEYS = ("model", "day", "deployed_model_id", "bins", "slice", "kind", "feature", "counted_at")


def prepare(client: BigQuery, table: str) -> None:
    """Make the profiles table if it is missing."""
    from google.cloud import bigquery as library

    schema = [library.SchemaField(name, kind, mode=mode) for name, kind, mode in PROFILES]
    made = library.Table(table, schema=schema)
    made.time_partitioning = library.TimePartitioning(field=PARTITIONED_BY)
    made.clustering_fields = list(CLUSTERED_BY)
    with bigquery.asking(f"the profiles table {table}"):
        client.create_table(made, exists_ok=True)


def count(
    client: BigQuery,
    log: str,
    table: str,
    model: str,
    day: date,
    baselines: Mapping[str, Baseline],
    *,
    legacy_model: str | None = None,
    now: datetime | None = None,
    maximum_bytes: int = bigquery.MAXIMUM_BYTES,
) -> dict[str, Counted]:
    """Count the log's day once, keep that in place of the day's earlier rows, and return it.

    `baselines` are those of the served versions, by the deployed model's id: each has a profile
    afterwards, an empty one without a request. Other ids in the log have one without columns. A
    log without a table is empty.
    """
    layout = Layout(dict(baselines))
    rows: list[Row] = []
    raw_table = log_tables.described(client, log, legacy_model=legacy_model)
    if raw_table is not None:
        rows = bigquery.run(
            client,
            statement.text(raw_table, day, layout),
            f"the request log {log}",
            labels={"model": model.lower(), "day": f"{day}", "purpose": "count"},
            maximum_bytes=maximum_bytes,
        )
    by_version = counted.profiles(rows, layout)
    prepare(client, table)
    stored = _stored(model, day, by_version, layout, now or datetime.now(UTC))
    _replace(client, table, model, day, stored)
    return by_version


def read(
    client: BigQuery,
    table: str,
    model: str,
    begin: date,
    end: date,
    baselines: Mapping[str, Baseline],
    *,
    part: Slice | None = None,
) -> dict[str, dict[date, Profile]]:
    """Each version's profiles by day, from the first to the last day, of all or of one slice.

    The table is made if it is missing. A day that was counted by other bins than the version's baseline now has is left out.
    """
    from google.cloud import bigquery as library

    prepare(client, table)
    query = f"""
        SELECT * FROM `{table}`
        WHERE day BETWEEN @begin AND @end AND model = @model AND slice = @slice
    """
    parameters = [
        library.ScalarQueryParameter("begin", "DATE", begin),
        library.ScalarQueryParameter("end", "DATE", end),
        library.ScalarQueryParameter("model", "STRING", model),
        library.ScalarQueryParameter("slice", "STRING", profile_rows.slice_name(part)),
    ]
    labels = {"model": model.lower(), "purpose": "read"}
    rows = bigquery.run(
        client, query, f"the profiles table {table}", parameters=parameters, labels=labels
    )
    return _profiles(rows, baselines)


def due(
    client: BigQuery,
    table: str,
    model: str,
    days: Sequence[date],
    baselines: Mapping[str, Baseline],
) -> list[date]:
    """Those of the days that lack a version's profile, or were counted before late rows came."""
    from google.cloud import bigquery as library

    if not days:
        return []
    prepare(client, table)
    query = f"""
        SELECT day, deployed_model_id, bins, counted_at FROM `{table}`
        WHERE day BETWEEN @begin AND @end AND model = @model
          AND slice = '' AND kind = 'requests'
    """
    parameters = [
        library.ScalarQueryParameter("begin", "DATE", min(days)),
        library.ScalarQueryParameter("end", "DATE", max(days)),
        library.ScalarQueryParameter("model", "STRING", model),
    ]
    labels = {"model": model.lower(), "purpose": "read"}
    rows = bigquery.run(
        client, query, f"the profiles table {table}", parameters=parameters, labels=labels
    )
    counted_versions = {
        (row["day"], row["deployed_model_id"], row["bins"])
        for row in rows
        if row["counted_at"] >= last_rows(row["day"])
    }
    digests = {id_: digest(baseline) for id_, baseline in baselines.items()}
    return [
        day
        for day in days
        if any((day, id_, bins) not in counted_versions for id_, bins in digests.items())
        or not any(entry[0] == day for entry in counted_versions)
    ]


def last_rows(day: date) -> datetime:
    """When a day's last rows are logged."""
    return datetime.combine(day + timedelta(days=1), time(), UTC) + LATE


def _profiles(
    rows: Iterable[Any], baselines: Mapping[str, Baseline]
) -> dict[str, dict[date, Profile]]:
    digests = {id_: digest(baseline) for id_, baseline in baselines.items()}
    by_key: dict[tuple[str, date], list[Any]] = {}
    for row in rows:
        id_ = row["deployed_model_id"]
        if row["bins"] == digests.get(id_, ""):
            by_key.setdefault((id_, row["day"]), []).append(row)
    by_version: dict[str, dict[date, Profile]] = {id_: {} for id_ in baselines}
    for (id_, day), stored in sorted(by_key.items()):
        profile = profile_rows.profile(stored, baselines.get(id_))
        if profile is not None:
            by_version.setdefault(id_, {})[day] = profile
    return by_version


def _stored(
    model: str, day: date, by_version: Mapping[str, Counted], layout: Layout, now: datetime
) -> list[profile_rows.Values]:
    """The rows that replace the day's."""
    stored = []
    for id_, version in by_version.items():
        keys = {
            "model": model,
            "day": day,
            "deployed_model_id": id_,
            "bins": layout.digest_of(id_),
            "counted_at": now,
        }
        for part, profile in version.profiles():
            keys["slice"] = profile_rows.slice_name(part)
            for row in profile_rows.rows(profile):
                stored.append({**keys, **row})
    return stored


def _replace(
    client: BigQuery, table: str, model: str, day: date, stored: Sequence[profile_rows.Values]
) -> None:
    from google.cloud import bigquery as library

    names = [name for name, _, _ in PROFILES]
    entries = ", ".join(f"entry.{name} AS {name}" for name in names)
    # A merge condition that is always false inserts and deletes at once
    # (docs.cloud.google.com/bigquery/docs/reference/standard-sql/dml-syntax#merge_statement).
    merge = f"""
        MERGE `{table}` AS T USING (SELECT {entries} FROM UNNEST(@rows) AS entry) AS S
        ON FALSE
        WHEN NOT MATCHED THEN
          INSERT ({", ".join(names)}) VALUES ({", ".join(f"S.{name}" for name in names)})
        WHEN NOT MATCHED BY SOURCE AND T.day = @day AND T.model = @model THEN DELETE
    """
    parameters = [
        library.ArrayQueryParameter("rows", "STRUCT", [_parameter(row) for row in stored]),
        library.ScalarQueryParameter("day", "DATE", day),
        library.ScalarQueryParameter("model", "STRING", model),
    ]
    bigquery.run(
        client,
        merge,
        f"the profiles table {table}",
        parameters=parameters,
        labels={"model": model.lower(), "day": f"{day}", "purpose": "keep"},
    )


PARAMETER_TYPES = {"INTEGER": "INT64", "FLOAT": "FLOAT64"}


def _parameter(row: profile_rows.Values) -> Any:
    """A row as a struct with every column."""
    from google.cloud import bigquery as library

    fields: list[Any] = []
    for name, kind, mode in PROFILES:
        type_ = PARAMETER_TYPES.get(kind, kind)
        if mode == "REPEATED":
            fields.append(library.ArrayQueryParameter(name, type_, row.get(name, [])))
        else:
            fields.append(library.ScalarQueryParameter(name, type_, row.get(name)))
    return library.StructQueryParameter(None, *fields)
