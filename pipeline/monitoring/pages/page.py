"""The page of a model: what is wrong with its requests, how much, since when, and what to do.

It is one file for looking rather than reading, and asks the network for nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from pipeline.baseline.content import Baseline
from pipeline.baseline.profile import Profile
from pipeline.monitoring.pages import bars, figures, line, look, past, quality_view
from pipeline.monitoring.pages.column_views import Subject, View, subjects, view
from pipeline.monitoring.pages.look import Cell, Look
from pipeline.monitoring.pages.quality_view import QualityView
from pipeline.monitoring.pages.timeline import lines
from pipeline.monitoring.verdict import Finding, Kind, Verdict

UNJUDGED: tuple[Kind, ...] = ("not enough data", "no requests", "no baseline")
MOST_PICTURES = 150  # so that the page of a thousand columns stays below 1 MB


@dataclass(frozen=True, kw_only=True)
class Version:
    """A served version in the window; `days` are its profiles of the last ninety days and a window.

    A version without a baseline has a verdict alone.
    """

    verdict: Verdict
    baseline: Baseline | None = None
    window: Profile | None = None
    days: Mapping[date, Profile] = field(default_factory=dict)
    report: str | None = None  # the address of its run's report.html
    retraining: str | None = None  # when one was asked for, or why none was


@dataclass(frozen=True, kw_only=True)
class Section:
    """What the template shows of a version."""

    version: Version
    verdict: Verdict
    look: Look
    since: date
    findings_since: Mapping[Finding, date]
    cells: Sequence[Cell]
    moved: Sequence[View]
    within: Sequence[View]
    undrawn: Sequence[str]
    quality: QualityView | None
    unread: str  # elements of requests that are counted in no column

    @property
    def headline(self) -> Finding | None:
        """The worst open finding."""
        open_findings = (finding for finding in self.verdict.findings if not finding.accepted)
        return next(open_findings, None)

    @property
    def remedy(self) -> str:
        return self.headline.remedy if self.headline else self.look.remedy

    @property
    def says_all(self) -> bool:
        """Whether the verdict's sentence is that of its only finding."""
        sentences = [finding.sentence for finding in self.verdict.findings]
        return self.headline is not None and sentences == [self.verdict.sentence]

    @property
    def is_judged(self) -> bool:
        return self.verdict.kind not in UNJUDGED

    @property
    def judged(self) -> int:
        return len(self.moved) + len(self.within) + len(self.undrawn)


def render(
    versions: Sequence[Version],
    *,
    stage: str,
    history: Sequence[Verdict] = (),
    runbook: str | None = None,
    overview: str | None = None,
) -> str:
    """The page as HTML, of one model and all its versions that were served in the window.

    `history` are earlier verdicts on the model, in any order. `runbook` is the address of
    docs/runbook.md, `overview` that of the overview's page.
    """
    worst_first = sorted(versions, key=_urgency)
    most = MOST_PICTURES // len(versions)
    sections = [_section(version, history, most) for version in worst_first]
    template = look.environment().get_template("page.html.jinja")
    page: str = template.render(
        sections=sections,
        worst=sections[0].verdict,
        stage=stage,
        runbook=runbook,
        overview=overview,
        sizes={"bars": (bars.WIDTH, bars.HEIGHT), "line": (line.WIDTH, line.HEIGHT)},
    )
    return page


def _urgency(version: Version) -> tuple[int, int]:
    verdict = version.verdict
    return look.ORDER[verdict.kind], -verdict.requests


def _section(version: Version, history: Sequence[Verdict], most: int) -> Section:
    verdict = version.verdict
    verdicts = past.newest_first(verdict, history)
    judged = _subjects(version)
    views = [view(subject) for subject in judged[:most]]
    findings_since = {
        finding: past.finding_since(verdicts, finding) for finding in verdict.findings
    }
    return Section(
        version=version,
        verdict=verdict,
        look=look.LOOKS[verdict.kind],
        since=past.kind_since(verdicts),
        findings_since=findings_since,
        cells=look.strip(verdicts, look.last_day(verdict)),
        moved=[each for each in views if each.has_moved],
        within=[each for each in views if not each.has_moved],
        undrawn=[subject.name for subject in judged[most:]],
        quality=quality_view.view(verdict.quality, verdicts, look.last_day(verdict)),
        unread=_unread(version.window),
    )


def _subjects(version: Version) -> list[Subject]:
    baseline, window = version.baseline, version.window
    if baseline is None or window is None or not window.instances:
        return []
    last = look.last_day(version.verdict)
    points = lines(baseline, version.days, last)
    return subjects(baseline, window, version.verdict.findings, points)


def _unread(window: Profile | None) -> str:
    """What the log holds beside instances, in words; empty without any."""
    if window is None:
        return ""
    counts = {
        "no JSON object": window.unparsable,
        "without any of the columns": window.foreign,
        "without an answer": window.unanswered,
    }
    return ", ".join(f"{figures.count(count)} {words}" for words, count in counts.items() if count)
