"""Acceptances: a person's word that a column's change is meant, until a day.

Each is a row that ends by itself. What is accepted is shown, and alerts nobody.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from pipeline.errors import ConfigurationError
from pipeline.gcp.bigquery import run
from pipeline.gcp.protocols import BigQuery
from pipeline.monitoring.columns import ACCEPTANCES
from pipeline.monitoring.log.parameters import scalars
from pipeline.monitoring.verdict import Finding, Kind, Verdict
from settings.values import cut, listed, shown

REASON_LENGTH = 500


@dataclass(frozen=True, kw_only=True)
class Acceptance:
    model: str
    feature: str
    ends_on: date  # its last day
    because: str
    accepted_by: str
    accepted_at: datetime

    def __str__(self) -> str:
        return f"accepted by {self.accepted_by} until {self.ends_on}: {self.because}"


def check(acceptance: Acceptance, columns: Collection[str], today: date) -> None:
    """Raise ConfigurationError for an acceptance that nobody could mean.

    `columns` are those that the model is asked with.
    """
    if acceptance.feature not in columns:
        raise ConfigurationError(
            f"--accept is {shown(acceptance.feature)}, allowed are the columns of "
            f"{acceptance.model}: {listed(sorted(columns))}"
        )
    latest = _year_after(today)
    if not today <= acceptance.ends_on <= latest:
        raise ConfigurationError(
            f"--until is {acceptance.ends_on}, allowed is a day from {today} to {latest}"
        )
    if not acceptance.because.strip():
        raise ConfigurationError("--because is empty, allowed is the reason in a sentence")
    if len(acceptance.because) > REASON_LENGTH:
        raise ConfigurationError(
            f"--because has {len(acceptance.because)} characters, "
            f"allowed are {REASON_LENGTH}: {cut(acceptance.because, 60)}"
        )


def _year_after(day: date) -> date:
    try:
        return day.replace(year=day.year + 1)
    except ValueError:  # the 29th of February
        return day + timedelta(days=365)


def add(client: BigQuery, table: str, acceptance: Acceptance) -> None:
    names = [name for name, _, _ in ACCEPTANCES]
    values = ", ".join(f"@{name}" for name in names)
    statement = f"INSERT INTO `{table}` ({', '.join(names)}) VALUES ({values})"
    parameters = [(name, kind, getattr(acceptance, name)) for name, kind, _ in ACCEPTANCES]
    run(client, statement, f"the table {table}", parameters=scalars(parameters))


def read(client: BigQuery, table: str, model: str) -> list[Acceptance]:
    statement = f"SELECT * FROM `{table}` WHERE model = @model"
    parameters = scalars([("model", "STRING", model)])
    rows = run(client, statement, f"the table {table}", parameters=parameters)
    return [Acceptance(**{name: row[name] for name, _, _ in ACCEPTANCES}) for row in rows]


def valid(acceptances: Sequence[Acceptance], day: date) -> dict[str, Acceptance]:
    """The newest acceptance of each column that holds on this day, by the column."""
    by_age = sorted(acceptances, key=lambda acceptance: acceptance.accepted_at)
    return {acceptance.feature: acceptance for acceptance in by_age if day <= acceptance.ends_on}


def applied(verdict: Verdict, acceptances: Mapping[str, Acceptance]) -> Verdict:
    """The verdict with its accepted findings marked, and as severe as the others alone."""
    findings = tuple(_marked(finding, acceptances) for finding in verdict.findings)
    accepted = [finding for finding in findings if finding.accepted]
    if not accepted:
        return verdict
    marked = replace(verdict, findings=findings)
    if verdict.kind not in ("drift", "fault"):
        return marked
    others = [finding for finding in findings if not finding.accepted]
    if others:
        worst = next((finding for finding in others if finding.kind == "fault"), others[0])
        return replace(marked, kind=worst.kind, sentence=worst.sentence)
    kind: Kind = "ok"
    columns = listed(sorted({column for finding in accepted for column in finding.columns}))
    return replace(marked, kind=kind, sentence=f"what changed is accepted: {columns}")


def _marked(finding: Finding, acceptances: Mapping[str, Acceptance]) -> Finding:
    """The finding; accepted where each of its columns is."""
    if not finding.columns or not all(column in acceptances for column in finding.columns):
        return finding
    notes = {str(acceptances[column]) for column in finding.columns}
    return replace(finding, accepted="; ".join(sorted(notes)))
