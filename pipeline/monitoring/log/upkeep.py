"""What a model's log needs each morning beside its count: the readers' view, and its retention."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pipeline.baseline.content import Baseline
from pipeline.gcp.protocols import BigQuery
from pipeline.monitoring.log import log_tables, retention, view
from pipeline.monitoring.log.profile_table import ProfileTable

NAMED_DAYS = 90  # in which a value must have been frequent, to be shown to readers


@dataclass(frozen=True, kw_only=True)
class Log:
    """A model's log, and where its view and its profiles are; all of them full names."""

    model: str
    table: str
    view: str
    profiles: str
    retention_days: int
    legacy_model: str | None = None


def keep(
    client: BigQuery, log: Log, baselines: Sequence[Baseline], *, now: datetime | None = None
) -> list[str]:
    """Renew the view, let go of what is too old, and return what a reader of the log must know.

    `baselines` are of the served versions, the newest last. A log without a table, or of which no
    version has a baseline, has no view yet.
    """
    raw_table = log_tables.described(client, log.table, legacy_model=log.legacy_model)
    if raw_table is None:
        return []
    moment = now or datetime.now(UTC)
    if baselines:
        view.keep(client, raw_table, log.view, baselines, named_values(client, log, moment))
    sentence = retention.enforce(client, raw_table, log.retention_days, now=moment)
    return [*raw_table.notes, sentence]


def named_values(client: BigQuery, log: Log, now: datetime) -> dict[str, list[str]]:
    """The values by column that at least ten instances of a day had, beside training's."""
    table = ProfileTable(client=client, name=log.profiles, model=log.model)
    table.prepare()
    begin = now - timedelta(days=NAMED_DAYS)
    columns = "feature, other_values"
    rows = table.rows(columns, begin.date(), now.date(), slice="", kind="column")
    named: dict[str, set[str]] = {}
    for row in rows:
        values = named.setdefault(row["feature"], set())
        values.update(json.loads(row["other_values"] or "{}"))
    return {name: sorted(values) for name, values in named.items()}
