"""The verdicts' table: one row a model, deployed model and window, however often it is judged."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from pipeline.gcp.bigquery import run
from pipeline.gcp.protocols import BigQuery
from pipeline.gcp.protocols import Row as BigQueryRow
from pipeline.monitoring import findings
from pipeline.monitoring.columns import VERDICTS
from pipeline.monitoring.findings import OpenFinding
from pipeline.monitoring.log.parameters import scalars
from pipeline.monitoring.quality import live
from pipeline.monitoring.verdict import Smallest, Verdict

KEYS = ("model", "deployed_model_id", "window_begin", "window_end")
# Of a query's parameter, where it differs from the column's.
PARAMETER_TYPES = {"FLOAT": "FLOAT64", "INTEGER": "INT64", "BOOLEAN": "BOOL"}
NAMES = [name for name, _, _ in VERDICTS]
CHANGES = [f"{name} = S.{name}" for name in NAMES if name not in KEYS]
MERGE = f"""
MERGE `{{table}}` AS T USING (SELECT {", ".join(f"@{name} AS {name}" for name in NAMES)}) AS S
ON {" AND ".join(f"T.{name} = S.{name}" for name in KEYS)}
WHEN MATCHED THEN UPDATE SET {", ".join(CHANGES)}
WHEN NOT MATCHED THEN
  INSERT ({", ".join(NAMES)}) VALUES ({", ".join(f"S.{name}" for name in NAMES)})
"""
SELECT = f"""
SELECT {", ".join(NAMES)} FROM `{{table}}`
WHERE window_end > @begin AND window_end <= @end AND model = COALESCE(@model, model)
ORDER BY window_end, deployed_model_id
"""


@dataclass(frozen=True, kw_only=True)
class Row:
    """A verdict as the table keeps it.

    `told` says whether the event log has the findings that were due.
    """

    verdict: Verdict
    findings: tuple[OpenFinding, ...] = ()
    version: str | None = None
    report: str | None = None  # the page's address
    judged_at: datetime
    told: bool = False
    retraining: str | None = None  # when one was asked for, or why none was

    @property
    def day(self) -> date:
        return last_day(self.verdict)

    def values(self) -> dict[str, Any]:
        """The values by column."""
        verdict = self.verdict
        smallest = verdict.smallest
        return {
            "model": verdict.model,
            "deployed_model_id": verdict.deployed_model_id,
            "window_begin": verdict.begin,
            "window_end": verdict.end,
            "verdict": verdict.kind,
            "reason": verdict.sentence,
            "requests": verdict.requests,
            "report": self.report,
            "version": self.version,
            "instances": verdict.instances,
            "expected_requests": verdict.expected_requests,
            "smallest_scale": smallest.scale if smallest else None,
            "smallest_share": smallest.share if smallest else None,
            "findings": findings.encode(self.findings),
            "judged_at": self.judged_at,
            "told": self.told,
            "quality": live.encode(verdict.quality),
            "retraining": self.retraining,
        }


def last_day(verdict: Verdict) -> date:
    """The last day of a window, whose end is the midnight after it."""
    return (verdict.end - timedelta(microseconds=1)).astimezone(UTC).date()


def midnight(day: date) -> datetime:
    """The day's beginning in UTC."""
    return datetime.combine(day, time(), UTC)


def write(client: BigQuery, table: str, row: Row) -> None:
    """Write the row in place of the one of the same key; one statement does it or does nothing."""
    values = row.values()
    parameters = []
    for name, kind, _ in VERDICTS:
        type_ = PARAMETER_TYPES.get(kind, kind)
        parameters.append((name, type_, values[name]))
    statement = MERGE.format(table=table)
    run(client, statement, f"the table {table}", parameters=scalars(parameters))


def read(client: BigQuery, table: str, model: str | None, begin: date, end: date) -> list[Row]:
    """The rows of windows whose last days lie in [begin, end], the oldest first.

    They are of one model, or of all.
    """
    parameters = [
        ("model", "STRING", model),
        ("begin", "TIMESTAMP", midnight(begin)),
        ("end", "TIMESTAMP", midnight(end) + timedelta(days=1)),
    ]
    statement = SELECT.format(table=table)
    rows = run(client, statement, f"the table {table}", parameters=scalars(parameters))
    return [_row(row) for row in rows]


def _row(values: BigQueryRow) -> Row:
    entries = findings.decode(values["findings"])
    verdict = Verdict(
        model=values["model"],
        deployed_model_id=values["deployed_model_id"] or "",
        begin=values["window_begin"],
        end=values["window_end"],
        kind=values["verdict"],
        sentence=values["reason"] or "",
        findings=tuple(entry.finding for entry in entries if entry.finding),
        instances=values["instances"] or 0,
        requests=values["requests"],
        expected_requests=values["expected_requests"],
        smallest=_smallest(values),
        quality=live.decode(values["quality"]),
    )
    return Row(
        verdict=verdict,
        findings=tuple(entries),
        version=values["version"],
        report=values["report"],
        judged_at=values["judged_at"] or verdict.end,
        told=bool(values["told"]),
        retraining=values["retraining"],
    )


def _smallest(values: BigQueryRow) -> Smallest | None:
    scale, share = values["smallest_scale"], values["smallest_share"]
    return None if share is None else Smallest(scale=scale, share=share)


def same(verdict: Verdict, rows: Iterable[Row]) -> Row | None:
    """The row that the verdict's own takes the place of."""
    return next((row for row in rows if _key(row.verdict) == _key(verdict)), None)


def _key(verdict: Verdict) -> tuple[str, datetime, datetime]:
    return verdict.deployed_model_id, verdict.begin, verdict.end


def open_before(rows: Iterable[Row], day: date) -> list[OpenFinding]:
    """The findings of the newest window before this day's, if it is no older than a reminder.

    A finding of several versions is as old as the oldest of them, and told when the last was.
    """
    oldest = day - findings.REMINDER
    earlier = [row for row in rows if oldest <= row.day < day]
    newest = max((row.day for row in earlier), default=None)
    by_key: dict[str, OpenFinding] = {}
    for row in earlier:
        if row.day != newest:
            continue
        for finding in row.findings:
            other = by_key.get(finding.key, finding)
            by_key[finding.key] = _merged(finding, other)
    return list(by_key.values())


def told_on(rows: Iterable[Row], day: date) -> list[OpenFinding]:
    """The findings that a day's rows have told of, when it was judged before."""
    told_rows = [row for row in rows if row.day == day and row.told]
    return [finding for row in told_rows for finding in row.findings]


def _merged(finding: OpenFinding, other: OpenFinding) -> OpenFinding:
    told_days = [entry.told for entry in (finding, other) if entry.told]
    told = max(told_days, default=None)
    since = min(finding.since, other.since)
    return replace(finding, since=since, told=told)
