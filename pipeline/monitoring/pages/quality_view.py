"""A version's quality as the page shows it: its figures, and ninety days of the metric."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from pipeline.monitoring.pages import figures
from pipeline.monitoring.pages.line import HEIGHT, MARGIN, WIDTH
from pipeline.monitoring.pages.look import DAYS, last_day
from pipeline.monitoring.quality import words
from pipeline.monitoring.quality.estimates import Figure
from pipeline.monitoring.quality.live import Part, Quality
from pipeline.monitoring.verdict import Verdict

ROOM = 0.02  # above and below what is drawn


@dataclass(frozen=True)
class Bar:
    """One day's interval and figure, in SVG's units."""

    x: float
    low: float
    high: float
    value: float
    is_expected: bool
    words: str


@dataclass(frozen=True)
class Entry:
    """What is asked of all or of a slice, and what it has."""

    name: str
    words: str
    bound: str
    is_worse: bool


@dataclass(frozen=True, kw_only=True)
class QualityView:
    metric: str
    sentence: str
    entries: Sequence[Entry]
    bars: Sequence[Bar]
    bound: float  # its y
    gap: str
    maturity: str


def view(quality: Quality | None, past: Sequence[Verdict], last: date) -> QualityView | None:
    """`past` are the version's verdicts; None without a quality."""
    if quality is None:
        return None
    wholes = dict(_wholes(past))
    bottom, top = _range([*wholes.values(), *quality.parts[:1]])
    bars = [_bar(day, part, last, bottom, top, past) for day, part in wholes.items()]
    bound = quality.parts[0].lower_bound if quality.parts else 0.0
    return QualityView(
        metric=words.metric_name(quality.metric),
        sentence=quality.sentence,
        entries=[_entry(part) for part in quality.parts],
        bars=bars,
        bound=_y(bound, bottom, top),
        gap=_gap(quality),
        maturity=_maturity(quality),
    )


def _wholes(past: Sequence[Verdict]) -> Iterator[tuple[date, Part]]:
    """The figure of all instances by the verdict's last day."""
    for verdict in past:
        if verdict.quality is not None and verdict.quality.parts:
            yield last_day(verdict), verdict.quality.parts[0]


def _bar(
    day: date, part: Part, last: date, bottom: float, top: float, past: Sequence[Verdict]
) -> Bar:
    days_ago = (last - day).days
    step = (WIDTH - 2 * MARGIN) / (DAYS - 1)
    figure = part.figure
    return Bar(
        x=round(WIDTH - MARGIN - days_ago * step, 1),
        low=_y(figure.low, bottom, top),
        high=_y(figure.high, bottom, top),
        value=_y(figure.value, bottom, top),
        is_expected=_is_expected(day, past),
        words=f"{figures.day(day)}: {_figure(figure)}",
    )


def _is_expected(day: date, past: Sequence[Verdict]) -> bool:
    """Whether that day's figure is of scores alone."""
    qualities = [verdict.quality for verdict in past if last_day(verdict) == day]
    return any(quality is not None and quality.source == "scores" for quality in qualities)


def _range(parts: Sequence[Part]) -> tuple[float, float]:
    lows = [min(part.figure.low, part.lower_bound) for part in parts]
    highs = [max(part.figure.high, part.lower_bound) for part in parts]
    return min(lows, default=0.0) - ROOM, max(highs, default=1.0) + ROOM


def _y(value: float, bottom: float, top: float) -> float:
    height = (value - bottom) / (top - bottom)
    return round(HEIGHT - MARGIN - height * (HEIGHT - 2 * MARGIN), 1)


def _entry(part: Part) -> Entry:
    rows = figures.count(part.figure.rows)
    return Entry(
        name=part.slice or "all",
        words=f"{_figure(part.figure)} on {rows} rows",
        bound=f"{part.lower_bound:g}",
        is_worse=part.is_worse,
    )


def _figure(figure: Figure) -> str:
    return f"{figure.value:.3f} ({figure.low:.3f} to {figure.high:.3f})"


def _gap(quality: Quality) -> str:
    """The calibration in words; empty without outcomes."""
    if quality.gap is None:
        return ""
    low, high = figures.share(quality.gap.low), figures.share(quality.gap.high)
    return f"{figures.share(quality.gap.value)} ({low} to {high})"


def _maturity(quality: Quality) -> str:
    if quality.maturity is None:
        return "no outcomes: the figure is expected by scores alone"
    known = figures.share(quality.maturity.share)
    rows = figures.count(quality.maturity.keyed)
    usual = quality.maturity.usual
    beside = "what is usual is not known yet" if usual is None else f"{figures.share(usual)} usual"
    return f"{known} of {rows} keyed instances, {beside}"
