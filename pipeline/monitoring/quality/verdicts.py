"""A verdict in the light of the version's quality: quality beats drift, and a fault beats both."""

from dataclasses import replace

from pipeline.monitoring.quality.live import Part, Quality
from pipeline.monitoring.verdict import Finding, Kind, Verdict

REMEDIES: dict[Kind, str] = {
    "worse": "see what drifted, then retrain or go back to the version before",
    "expected worse": "see who asks what now; look for outcomes that confirm it, then retrain",
}
# What hides that the version is worse: its remedy comes first.
FIRST: tuple[Kind, ...] = ("fault", "log incomplete", "no requests")
# What is worth a word on how good the version is.
COMPARED: tuple[Kind, ...] = ("ok", "season", "drift")


def chosen(measured: Quality | None, expected: Quality | None) -> Quality | None:
    """What outcomes say, where they say anything; else what scores let expect."""
    if measured is not None and measured.parts:
        return measured
    if expected is None:
        return measured
    if measured is None:
        return expected
    sentence = f"{expected.sentence}; {measured.sentence}"
    return replace(expected, sentence=sentence, maturity=measured.maturity)


def applied(verdict: Verdict, quality: Quality | None) -> Verdict:
    """The verdict with the quality beside it, worse where the quality is."""
    if quality is None:
        return verdict
    judged = replace(verdict, quality=quality)
    if quality.worse:
        return _worse(judged, quality)
    if verdict.kind not in COMPARED:
        return judged
    holds = "the metric holds: " if quality.parts and verdict.kind == "drift" else ""
    return replace(judged, sentence=f"{verdict.sentence}; {holds}{quality.sentence}")


def _worse(verdict: Verdict, quality: Quality) -> Verdict:
    """Drift explains it, and is told beside it."""
    kind: Kind = "worse" if quality.source == "outcomes" else "expected worse"
    own = tuple(_finding(part, quality, kind) for part in quality.worse)
    if verdict.kind in FIRST:
        sentence = f"{verdict.sentence}; {quality.sentence}"
        return replace(verdict, sentence=sentence, findings=(*verdict.findings, *own))
    columns = sorted({name for finding in verdict.findings for name in finding.columns})
    drifted = f"; drift in {', '.join(columns)}" if columns else ""
    return replace(
        verdict,
        kind=kind,
        sentence=f"{quality.sentence}{drifted}",
        findings=(*own, *verdict.findings),
    )


def _finding(part: Part, quality: Quality, kind: Kind) -> Finding:
    assert kind in ("worse", "expected worse")
    return Finding(
        kind="worse" if kind == "worse" else "expected worse",
        name=f"{kind} in {part.slice}" if part.slice else kind,
        columns=(),
        sentence=quality.sentence,
        remedy=REMEDIES[kind],
    )
