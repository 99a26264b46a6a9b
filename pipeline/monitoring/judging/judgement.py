"""The verdict on one window of one served version."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pipeline.baseline.content import Baseline
from pipeline.baseline.profile import Profile
from pipeline.monitoring.judging import drift, faults, season, sensitivity
from pipeline.monitoring.judging.distances import Distance, of_columns
from pipeline.monitoring.verdict import Finding, Kind, Smallest, Verdict

__all__ = ["Distance", "distances", "judge"]


def distances(baseline: Baseline, profile: Profile) -> Mapping[str, Distance]:
    """How far each judged column lies from the training rows, and how far it may."""
    return of_columns(baseline, profile)


def judge(
    baseline: Baseline,
    window: Profile,
    *,
    model: str,
    deployed_model_id: str,
    begin: datetime,
    end: datetime,
    earlier: Sequence[Profile] = (),
    expected_requests: float | None = None,
) -> Verdict:
    """The verdict on `window`; `earlier` are the windows before, the newest first.

    A fault is told before a drift, and both before too few instances.
    """
    judgement = _judgement(baseline, window, earlier)
    unjudged = {
        name: column.unjudged for name, column in baseline.columns.items() if column.unjudged
    }
    return Verdict(
        model=model,
        deployed_model_id=deployed_model_id,
        begin=begin,
        end=end,
        kind=judgement.kind,
        sentence=judgement.sentence,
        findings=judgement.findings,
        instances=window.instances,
        requests=window.requests,
        expected_requests=expected_requests,
        smallest=judgement.smallest,
        unjudged=unjudged,
    )


@dataclass(frozen=True, kw_only=True)
class _Judgement:
    kind: Kind
    sentence: str
    findings: tuple[Finding, ...] = ()
    smallest: Smallest | None = None


def _judgement(baseline: Baseline, window: Profile, earlier: Sequence[Profile]) -> _Judgement:
    fault_findings = faults.findings(baseline, window, earlier)
    needed = sensitivity.needed_instances(baseline)
    if window.effective < needed:
        return _named(fault_findings) or _too_few(window, needed)
    column_distances = distances(baseline, window)
    smallest = sensitivity.smallest(baseline, column_distances)
    unlike = season.unlike_training(baseline, window)
    if unlike and season.is_first(baseline, unlike, earlier):
        return _named(fault_findings, smallest) or _season(unlike, column_distances, smallest)
    faulty = {name for finding in fault_findings for name in finding.columns}
    unexplained = {
        name: distance for name, distance in column_distances.items() if name not in faulty
    }
    drift_findings = drift.findings(baseline, window, unexplained)
    return _named([*fault_findings, *drift_findings], smallest) or _ok(window, smallest)


def _named(findings: Sequence[Finding], smallest: Smallest | None = None) -> _Judgement | None:
    """The judgement by the first finding; None without any."""
    if not findings:
        return None
    first, *further = findings
    names = sorted({name for finding in further for name in finding.columns})
    end = f"; also {', '.join(names)}" if names else ""
    return _Judgement(
        kind=first.kind,
        sentence=f"{first.sentence}{end}",
        findings=tuple(findings),
        smallest=smallest,
    )


def _too_few(window: Profile, needed: int) -> _Judgement:
    weight = ""
    if round(window.effective) < window.instances:
        weight = f", which weigh as much as {window.effective:,.0f} single ones"
    return _Judgement(
        kind="not enough data",
        sentence=f"{window.instances:,} instances{weight}; needed are {needed:,}",
    )


def _season(
    unlike: Sequence[str], column_distances: Mapping[str, Distance], smallest: Smallest | None
) -> _Judgement:
    over = [name for name, distance in column_distances.items() if distance.is_over]
    changed = [name for name in over if name not in unlike]
    end = f"; with it changed {', '.join(changed)}" if changed else ""
    return _Judgement(
        kind="season",
        sentence=f"no window of training is like it in {', '.join(unlike)}{end}",
        smallest=smallest,
    )


def _ok(window: Profile, smallest: Smallest | None) -> _Judgement:
    end = ""
    if smallest is not None:
        number = f"a number times {smallest.scale:.2f} or " if smallest.scale else ""
        end = f"; {number}a share {100 * smallest.share:.1f} points off would have shown"
    return _Judgement(
        kind="ok",
        sentence=f"{window.instances:,} instances like the training rows{end}",
        smallest=smallest,
    )
