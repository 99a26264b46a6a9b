"""Since when a version is as it is, by its verdicts of earlier days."""

from collections.abc import Iterable, Sequence
from datetime import date

from pipeline.monitoring.pages.look import last_day
from pipeline.monitoring.verdict import Finding, Verdict


def newest_first(verdict: Verdict, history: Iterable[Verdict]) -> list[Verdict]:
    """This verdict, and those on earlier windows of the same version."""
    past = [earlier for earlier in history if _is_before(earlier, verdict)]
    past.sort(key=last_day, reverse=True)
    return [verdict, *past]


def kind_since(past: Sequence[Verdict]) -> date:
    """The day of the first of the newest verdicts, all of which are of one kind."""
    kind = past[0].kind
    return _unbroken_since(past, [verdict.kind == kind for verdict in past])


def finding_since(past: Sequence[Verdict], finding: Finding) -> date:
    """The day of the first of the newest verdicts, all of which have the finding."""
    return _unbroken_since(past, [_has(verdict, finding) for verdict in past])


def _unbroken_since(past: Sequence[Verdict], are_alike: Sequence[bool]) -> date:
    end = are_alike.index(False) if False in are_alike else len(past)
    return last_day(past[end - 1])


def _is_before(earlier: Verdict, verdict: Verdict) -> bool:
    is_same = earlier.deployed_model_id == verdict.deployed_model_id
    return is_same and earlier.end < verdict.end


def _has(verdict: Verdict, finding: Finding) -> bool:
    changes = [(other.name, other.columns) for other in verdict.findings]
    return (finding.name, finding.columns) in changes
