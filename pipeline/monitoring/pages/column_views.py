"""What a page shows of a column: its distance and limit in words, its bins, its ninety days."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pipeline.baseline.content import Baseline, Column
from pipeline.baseline.profile import ColumnCounts, Profile
from pipeline.monitoring.judging import distances
from pipeline.monitoring.judging.distances import Distance
from pipeline.monitoring.pages import bars, figures, line, shares
from pipeline.monitoring.pages.look import LOOKS
from pipeline.monitoring.pages.shares import Share
from pipeline.monitoring.pages.timeline import Point, over_since, ratio
from pipeline.monitoring.verdict import Finding

MOST_VALUES = 8  # of a category, that have a row of their own
MOST_NEW_VALUES = 3  # of those without a bin, that are named
FREQUENT = 0.01  # of all rows, from which one is named


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A judged column, with its training rows, its requests and its ninety days."""

    name: str
    column: Column
    are_whole: bool  # its values are whole numbers
    train: ColumnCounts
    serve: ColumnCounts
    distance: Distance
    points: Sequence[Point]
    finding: Finding | None
    place: int  # of the finding among all, the worst is 0

    @property
    def ratio(self) -> float:
        return ratio(self.distance)

    @property
    def order(self) -> tuple[float, float, float]:
        """As the findings are, then by excess x importance, then by the distance itself."""
        excess = max(self.distance.excess, 0.0)
        rank = excess * max(self.column.importance or 0.0, 0.0)
        return self.place, -rank, -self.ratio

    @property
    def has_moved(self) -> bool:
        return self.ratio > 1 or self.finding is not None


@dataclass(frozen=True, kw_only=True)
class View:
    """A category has rows, a number has bars."""

    name: str
    has_moved: bool
    symbol: str
    tone: str
    headline: str
    details: list[str]
    finding: Finding | None
    rows: list[Share]
    bars: bars.Bars | None
    line: line.Line


def subjects(
    baseline: Baseline,
    window: Profile,
    findings: Sequence[Finding],
    points: Mapping[str, Sequence[Point]],
) -> list[Subject]:
    """The judged columns in the page's order."""
    judged = []
    for name, distance in distances.of_columns(baseline, window).items():
        place = _finding_place(name, findings)
        subject = Subject(
            name=name,
            column=baseline.columns[name],
            are_whole=baseline.schema.get(name) == "INT",
            train=baseline.reference.columns[name],
            serve=window.columns[name],
            distance=distance,
            points=points[name],
            finding=findings[place] if place < len(findings) else None,
            place=place,
        )
        judged.append(subject)
    return sorted(judged, key=lambda subject: subject.order)


def view(subject: Subject) -> View:
    bins = subject.column.bins
    are_whole = subject.are_whole
    bin_shares = shares.of_column(bins, subject.train, subject.serve, are_whole=are_whole)
    is_number = bins.kind == "number"
    symbol, tone = _mark(subject)
    return View(
        name=subject.name,
        has_moved=subject.has_moved,
        symbol=symbol,
        tone=tone,
        headline=_headline(subject),
        details=list(_details(subject, bin_shares)),
        finding=subject.finding,
        rows=[] if is_number else shares.folded(bins, bin_shares, MOST_VALUES),
        bars=bars.drawn(bins, bin_shares, are_whole=are_whole) if is_number else None,
        line=line.drawn(subject.points),
    )


def _finding_place(name: str, findings: Sequence[Finding]) -> int:
    """The place of the worst finding on the column, or the one after all."""
    for place, finding in enumerate(findings):
        if name in finding.columns:
            return place
    return len(findings)


def _mark(subject: Subject) -> tuple[str, str]:
    """A symbol and its tone: those of an open finding, or of a change that alarms nobody."""
    finding = subject.finding
    if finding is not None and finding.accepted is None:
        look = LOOKS[finding.kind]
        return look.symbol, look.tone
    if subject.ratio > 1:
        return LOOKS["season"].symbol, "quiet"
    return LOOKS["ok"].symbol, "quiet"


def _headline(subject: Subject) -> str:
    name = f"{figures.cut(subject.finding.name)}, " if subject.finding else ""
    if subject.ratio <= 1:
        return f"{name}at {figures.share(subject.ratio)} of its limit"
    times = figures.times(subject.ratio)
    return f"{name}{times} times its limit{_since(subject.points)}"


def _since(points: Sequence[Point]) -> str:
    since = over_since(points)
    if since is None:
        return ""
    return " for ninety days" if since == points[0].day else f" since {figures.day(since)}"


def _details(subject: Subject, bin_shares: Sequence[Share]) -> Iterator[str]:
    distance = subject.distance
    yield f"distance {figures.bits(distance.distance)} bits, limit {figures.bits(distance.limit)}"
    cell = shares.of_cell(subject.column.bins, bin_shares, distance.cell)
    change = figures.points(cell.change)
    limit = figures.points(distance.share_limit).removeprefix("+")
    yield f"{cell.label}: {cell.words} ({change}, limit {limit})"
    if new_values := _new_values(subject.serve):
        yield f"among all others: {new_values}"
    importance = subject.column.importance
    yield f"importance {'not measured' if importance is None else figures.bits(importance)}"


def _new_values(serve: ColumnCounts) -> str:
    """The most frequent values that have no bin, with their shares; empty if all are rare."""
    by_count = sorted(serve.other_values.items(), key=lambda item: -item[1])
    frequent = [(value, count) for value, count in by_count if count >= FREQUENT * serve.total]
    texts = [
        f"{figures.cut(value)} {figures.share(count / serve.total)}"
        for value, count in frequent[:MOST_NEW_VALUES]
    ]
    return ", ".join(texts)
