"""Open findings: one alert each, until the finding closes or seven days pass."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as checked_dataclass

from pipeline.monitoring.verdict import Finding, Kind, Verdict

REMINDER = timedelta(days=7)
# The events of verdicts that are their own finding.
EVENTS: dict[Kind, str] = {
    "log incomplete": "log_incomplete",
    "no requests": "no_requests",
    "no baseline": "fault",
}
OF_A_VERSION = ("drift", "worse", "expected worse")  # kinds of findings


@checked_dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="ignore"))
class OpenFinding:
    """What a row of the verdicts keeps of a finding.

    `since` is the last day of the first window with the finding, `told` that of the window when it
    was told last. Without an `event` nobody is told.
    """

    key: str
    event: str | None
    sentence: str
    since: date
    told: date | None = None
    finding: Finding | None = None  # None where the verdict's kind is the finding

    @property
    def is_accepted(self) -> bool:
        return self.finding is not None and self.finding.accepted is not None


_JSON: TypeAdapter[list[OpenFinding]] = TypeAdapter(list[OpenFinding])


def encode(findings: Iterable[OpenFinding]) -> str:
    return _JSON.dump_json(list(findings)).decode()


def decode(text: str | None) -> list[OpenFinding]:
    """The findings of a row; none where an older commit or somebody else wrote it."""
    try:
        return _JSON.validate_json(text or "[]")
    except ValidationError:
        return []


def of(verdict: Verdict, day: date) -> list[OpenFinding]:
    """The verdict's findings, as if they were new; `day` is the window's last one."""
    id_ = verdict.deployed_model_id
    entries = [_entry(finding, verdict, day) for finding in verdict.findings]
    event = EVENTS.get(verdict.kind)
    if event is not None:
        key = f"no baseline:{id_}" if verdict.kind == "no baseline" else verdict.kind
        entries.append(OpenFinding(key=key, event=event, sentence=verdict.sentence, since=day))
    return entries


def _entry(finding: Finding, verdict: Verdict, day: date) -> OpenFinding:
    """Two versions have one fault, which the requests carry; all else each has of its own.

    Whether outcomes or scores say that a version is worse, the event is the same.
    """
    key = ":".join([finding.kind, finding.name, *finding.columns])
    if finding.kind in OF_A_VERSION:
        key = f"{key}:{verdict.deployed_model_id}"
    event = finding.kind.removeprefix("expected ") if verdict.needs_someone else None
    return OpenFinding(key=key, event=event, sentence=finding.sentence, since=day, finding=finding)


def continued(findings: Iterable[OpenFinding], earlier: Iterable[OpenFinding]) -> list[OpenFinding]:
    """The findings with the history of those that were open before."""
    history = {finding.key: finding for finding in earlier}
    return [_with_history(finding, history.get(finding.key)) for finding in findings]


def _with_history(finding: OpenFinding, earlier: OpenFinding | None) -> OpenFinding:
    if earlier is None:
        return finding
    return replace(finding, since=earlier.since, told=earlier.told)


def told_as(findings: Iterable[OpenFinding], same: Iterable[OpenFinding]) -> list[OpenFinding]:
    """The findings of a window that was judged before, told when they were told then."""
    told_days = {finding.key: finding.told for finding in same if finding.told}
    return [replace(finding, told=told_days.get(finding.key, finding.told)) for finding in findings]


def is_due(finding: OpenFinding, day: date) -> bool:
    """Whether somebody is to be told of the finding in the window that ends on this day."""
    if finding.event is None or finding.is_accepted:
        return False
    return finding.told is None or day - finding.told >= REMINDER
