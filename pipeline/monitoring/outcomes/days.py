"""Outcomes by day: counted once a day is old enough, and again when more of them have come."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from pipeline.baseline.content import Baseline, Slice
from pipeline.gcp import bigquery
from pipeline.gcp.protocols import BigQuery, Row
from pipeline.monitoring.log import log_tables
from pipeline.monitoring.log.layout import Layout
from pipeline.monitoring.log.profile_columns import LABELS, TOTALS
from pipeline.monitoring.log.profile_rows import Values, slice_name
from pipeline.monitoring.log.profile_table import ProfileTable
from pipeline.monitoring.outcomes import statement, table
from pipeline.monitoring.outcomes.counts import LATEST, LabelCounts, from_rows, of_rows, to_rows
from pipeline.monitoring.outcomes.table import LabelTable
from pipeline.monitoring.place import Tables

WHOLE = ""  # in place of a slice's name
ByDay = Mapping[date, LabelCounts]
ByVersion = dict[str, dict[str, dict[date, LabelCounts]]]  # and by the slice's name


@dataclass(frozen=True, kw_only=True)
class Source:
    """A model's log, its table of outcomes, and the table where its counts are kept."""

    client: BigQuery
    log: str
    profiles: str
    model: str
    label_table: LabelTable
    legacy_model: str | None = None

    @property
    def kept(self) -> ProfileTable:
        return ProfileTable(client=self.client, name=self.profiles, model=self.model, kinds=LABELS)

    @property
    def delay_days(self) -> int:
        return self.label_table.labels.delay_days


@dataclass(frozen=True, kw_only=True)
class Outcomes:
    """What is known of what was asked."""

    delay_days: int
    by_version: ByVersion


def source(
    client: BigQuery, tables: Tables, model: str, baselines: Mapping[str, Baseline]
) -> Source | None:
    """Where outcomes come from, as the newest version, which is the last one, says it for all.

    None where it declares none; RunError where the table can't be that.
    """
    newest = list(baselines.values())[-1:]
    if not newest or newest[0].labels is None:
        return None
    labels = newest[0].labels
    return Source(
        client=client,
        log=tables.log,
        profiles=tables.profiles,
        model=model,
        label_table=table.described(client, f"{tables.outcomes}.{labels.table}", labels),
        legacy_model=tables.legacy_model,
    )


def due(source: Source, asked: Sequence[date], baselines: Mapping[str, Baseline]) -> list[date]:
    """The days that are old enough on the day after those asked for, and whose count lacks outcomes.

    One job looks at the table of outcomes alone. A day is left alone without requests, once all its
    keys have an outcome, or when it is older than three times the delay and a window.
    """
    delay = source.delay_days
    window_days = max(baseline.window_days for baseline in baselines.values())
    oldest = asked[0] - timedelta(days=LATEST * delay + window_days)
    newest = asked[-1] - timedelta(days=delay)
    arrivals = source.label_table.arrivals(source.client, oldest)
    counted_days = read(source, oldest, newest, baselines)
    wholes = [by_slice[WHOLE] for by_slice in counted_days.values()]
    due_days = []
    for day in _days_with_requests(source, oldest, newest):
        arrived = sum(copies for known, copies in arrivals.items() if known >= day)
        if not all(_is_settled(days.get(day), arrived) for days in wholes):
            due_days.append(day)
    return due_days


def _days_with_requests(source: Source, first: date, last: date) -> list[date]:
    """Those that the profiles know of: a day is counted as a profile before it is old enough."""
    profile_table = ProfileTable(client=source.client, name=source.profiles, model=source.model)
    rows = profile_table.rows("day, counts", first, last, slice=WHOLE, kind="requests")
    instances = TOTALS.index("instances")
    days = {row["day"] for row in rows if row["counts"][instances]}
    return sorted(days)


def _is_settled(whole: LabelCounts | None, arrived: int) -> bool:
    if whole is None:
        return False
    return whole.arrived == arrived or not whole.unlabelled


def count(
    source: Source,
    day: date,
    baselines: Mapping[str, Baseline],
    *,
    now: datetime | None = None,
    maximum_bytes: int = bigquery.MAXIMUM_BYTES,
) -> None:
    """Join the day's requests with outcomes by one job, and keep its counts in place of earlier."""
    raw_table = log_tables.described(source.client, source.log, legacy_model=source.legacy_model)
    rows: list[Row] = []
    if raw_table is not None:
        rows = bigquery.run(
            source.client,
            statement.text(raw_table, source.label_table, day, dict(baselines)),
            f"the request log {source.log} with {source.label_table.name}",
            labels={"model": source.model.lower(), "day": f"{day}", "purpose": "labels"},
            maximum_bytes=maximum_bytes,
        )
    by_version = of_rows(rows, baselines, source.delay_days)
    keys = {"model": source.model, "day": day, "counted_at": now or datetime.now(UTC)}
    source.kept.prepare()
    source.kept.replace(day, list(_stored(by_version, baselines, keys)))


def _stored(
    by_version: Mapping[str, Mapping[Slice | None, LabelCounts]],
    baselines: Mapping[str, Baseline],
    keys: Values,
) -> Iterator[Values]:
    """The rows that replace the day's."""
    layout = Layout(baselines)
    for id_, by_slice in by_version.items():
        of_version = {"deployed_model_id": id_, "bins": layout.digest_of(id_)}
        for part, part_counts in by_slice.items():
            for row in to_rows(part_counts):
                yield {**keys, **of_version, "slice": slice_name(part), **row}


def read(source: Source, first: date, last: date, baselines: Mapping[str, Baseline]) -> ByVersion:
    """Each version's counts by slice and day; the whole is of the slice without a name."""
    source.kept.prepare()
    layout = Layout(baselines)
    groups: dict[tuple[str, str, date], list[Row]] = {}
    for row in source.kept.rows("*", first, last):
        id_ = row["deployed_model_id"]
        if id_ in baselines and row["bins"] == layout.digest_of(id_):
            group = groups.setdefault((id_, row["slice"], row["day"]), [])
            group.append(row)
    by_version: ByVersion = {id_: {WHOLE: {}} for id_ in baselines}
    for id_, name, day in sorted(groups):
        group_counts = from_rows(groups[id_, name, day])
        if group_counts is not None:
            days = by_version[id_].setdefault(name, {})
            days[day] = group_counts
    return by_version
