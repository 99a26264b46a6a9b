"""Outcomes by day: counted once a day is old enough, and again when more of them have come."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from pipeline.baseline.content import Baseline, Labels, Slice
from pipeline.gcp import bigquery
from pipeline.gcp.protocols import BigQuery, Row
from pipeline.monitoring.log import log_tables
from pipeline.monitoring.log.layout import Layout
from pipeline.monitoring.log.profile_columns import LABELS
from pipeline.monitoring.log.profile_rows import Values, slice_name
from pipeline.monitoring.log.profile_table import ProfileTable
from pipeline.monitoring.outcomes import statement, table
from pipeline.monitoring.outcomes.counts import LATEST, LabelCounts, from_rows, of_rows, to_rows
from pipeline.monitoring.outcomes.table import LabelTable

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


def declared(baselines: Mapping[str, Baseline]) -> Labels | None:
    """What the newest version, which is the last one, says of outcomes: it holds for all."""
    newest = list(baselines.values())[-1:]
    return newest[0].labels if newest else None


def table_of(client: BigQuery, dataset: str, labels: Labels) -> LabelTable:
    """The table in the dataset where outcomes arrive; RunError where it can't be that."""
    return table.described(client, f"{dataset}.{labels.table}", labels)


def due(
    source: Source, last: date, baselines: Mapping[str, Baseline], *, window_days: int
) -> list[date]:
    """The days that are old enough on the day after `last`, and whose count lacks outcomes.

    One job looks at the table of outcomes alone. A day is left alone once all its keys have an
    outcome, or when it is older than three times the delay and a window.
    """
    delay = source.delay_days
    oldest = last - timedelta(days=LATEST * delay + window_days)
    newest = last - timedelta(days=delay)
    arrivals = source.label_table.arrivals(source.client, oldest)
    counted_days = read(source, oldest, newest, baselines)
    wholes = [by_slice[WHOLE] for by_slice in counted_days.values()]
    due_days = []
    for number in range((newest - oldest).days + 1):
        day = oldest + timedelta(days=number)
        arrived = sum(copies for known, copies in arrivals.items() if known >= day)
        if not all(_is_settled(days.get(day), arrived) for days in wholes):
            due_days.append(day)
    return due_days


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
