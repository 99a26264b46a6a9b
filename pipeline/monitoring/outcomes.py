"""Outcomes by day: counted once a day is old enough, and again when more of them have come."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from pipeline.baseline.content import Baseline, Labels, Slice
from pipeline.gcp import bigquery
from pipeline.gcp.protocols import BigQuery, Row
from pipeline.monitoring import label_counts, label_statement, label_table, log_tables
from pipeline.monitoring.label_counts import LATEST, LabelCounts
from pipeline.monitoring.label_table import LabelTable
from pipeline.monitoring.layout import Layout
from pipeline.monitoring.profile_columns import LABELS
from pipeline.monitoring.profile_rows import Values, slice_name
from pipeline.monitoring.profile_table import ProfileTable

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
    return label_table.described(client, f"{dataset}.{labels.table}", labels)


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
    counted = read(source, oldest, newest, baselines)
    days = [oldest + timedelta(days=number) for number in range((newest - oldest).days + 1)]
    due_days = []
    for day in days:
        arrived = sum(copies for known, copies in arrivals.items() if known >= day)
        wholes = [by_slice[""].get(day) for by_slice in counted.values()]
        if not all(whole is not None and _is_settled(whole, arrived) for whole in wholes):
            due_days.append(day)
    return due_days


def _is_settled(whole: LabelCounts, arrived: int) -> bool:
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
            label_statement.text(raw_table, source.label_table, day, dict(baselines)),
            f"the request log {source.log} with {source.label_table.name}",
            labels={"model": source.model.lower(), "day": f"{day}", "purpose": "labels"},
            maximum_bytes=maximum_bytes,
        )
    by_version = label_counts.of_rows(rows, baselines, source.delay_days)
    layout = Layout(baselines)
    stored: list[Values] = []
    for id_, by_slice in by_version.items():
        for part, counts in by_slice.items():
            keys = {
                "model": source.model,
                "day": day,
                "deployed_model_id": id_,
                "bins": layout.digest_of(id_),
                "slice": slice_name(part),
                "counted_at": now or datetime.now(UTC),
            }
            stored += [{**keys, **row} for row in label_counts.to_rows(counts)]
    source.kept.prepare()
    source.kept.replace(day, stored)


def read(source: Source, first: date, last: date, baselines: Mapping[str, Baseline]) -> ByVersion:
    """Each version's counts by slice and day; the whole is of the slice without a name."""
    source.kept.prepare()
    rows = source.kept.rows("*", first, last)
    layout = Layout(baselines)
    by_day: dict[tuple[str, str, date], list[Row]] = {}
    for row in rows:
        id_ = row["deployed_model_id"]
        if row["bins"] == layout.digest_of(id_):
            of_day = by_day.setdefault((id_, row["slice"], row["day"]), [])
            of_day.append(row)
    by_version: ByVersion = {}
    for id_, baseline in baselines.items():
        parts: Sequence[Slice | None] = [None, *baseline.slices]
        by_version[id_] = {slice_name(part): {} for part in parts}
    for (id_, name, day), stored in sorted(by_day.items(), key=lambda entry: entry[0]):
        counts = label_counts.from_rows(stored)
        if counts is not None and id_ in by_version and name in by_version[id_]:
            by_version[id_][name][day] = counts
    return by_version
