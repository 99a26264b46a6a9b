"""Profiles by day: a log's day is counted once, and every window is a sum of its days."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta

from pipeline.baseline.content import Baseline, Slice
from pipeline.baseline.profile import Profile
from pipeline.gcp import bigquery
from pipeline.gcp.protocols import BigQuery, Row
from pipeline.monitoring.log import counted, log_tables, profile_rows, statement
from pipeline.monitoring.log.counted import Counted
from pipeline.monitoring.log.layout import Layout
from pipeline.monitoring.log.profile_table import ProfileTable

# A row may be logged so long after its request; a day counted earlier is due again.
LATE = timedelta(hours=3)


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
    layout = Layout(baselines)
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
    stored = _stored(model, day, by_version, layout, now or datetime.now(UTC))
    profile_table = ProfileTable(client=client, name=table, model=model)
    profile_table.prepare()
    profile_table.replace(day, stored)
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

    The table is made if it is missing. A day that was counted by other bins than the version's
    baseline now has is left out.
    """
    profile_table = ProfileTable(client=client, name=table, model=model)
    profile_table.prepare()
    rows = profile_table.rows("*", begin, end, slice=profile_rows.slice_name(part))
    return _profiles(rows, baselines)


def due(
    client: BigQuery,
    table: str,
    model: str,
    days: Sequence[date],
    baselines: Mapping[str, Baseline],
) -> list[date]:
    """Those of the days that lack a version's profile, or were counted before late rows came."""
    if not days:
        return []
    profile_table = ProfileTable(client=client, name=table, model=model)
    profile_table.prepare()
    columns = "day, deployed_model_id, bins, counted_at"
    rows = profile_table.rows(columns, min(days), max(days), slice="", kind="requests")
    layout = Layout(baselines)
    versions = {(id_, layout.digest_of(id_)) for id_ in baselines}
    whole: dict[date, set[tuple[str, str]]] = {}
    for row in rows:
        if row["counted_at"] >= last_rows(row["day"]):
            of_day = whole.setdefault(row["day"], set())
            of_day.add((row["deployed_model_id"], row["bins"]))
    return [day for day in days if day not in whole or versions - whole[day]]


def outdated(
    client: BigQuery,
    table: str,
    model: str,
    begin: date,
    end: date,
    baselines: Mapping[str, Baseline],
) -> list[date]:
    """The days on which a version was counted by other bins than its baseline now has."""
    profile_table = ProfileTable(client=client, name=table, model=model)
    profile_table.prepare()
    columns = "day, deployed_model_id, bins"
    rows = profile_table.rows(columns, begin, end, slice="", kind="requests")
    digests = Layout(baselines).digests
    days = {
        row["day"]
        for row in rows
        if row["bins"] != digests.get(row["deployed_model_id"], row["bins"])
    }
    return sorted(days)


def last_rows(day: date) -> datetime:
    """When a day's last rows are logged."""
    midnight = datetime.combine(day + timedelta(days=1), time(), UTC)
    return midnight + LATE


def _profiles(
    rows: Iterable[Row], baselines: Mapping[str, Baseline]
) -> dict[str, dict[date, Profile]]:
    layout = Layout(baselines)
    by_day: dict[tuple[str, date], list[Row]] = {}
    for row in rows:
        id_ = row["deployed_model_id"]
        if row["bins"] == layout.digest_of(id_):
            of_day = by_day.setdefault((id_, row["day"]), [])
            of_day.append(row)
    by_version: dict[str, dict[date, Profile]] = {id_: {} for id_ in baselines}
    for id_, day in sorted(by_day):
        profile = profile_rows.profile(by_day[id_, day], baselines.get(id_))
        days = by_version.setdefault(id_, {})
        if profile is not None:
            days[day] = profile
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
