"""How the pages show a verdict: a symbol and a word, never a colour alone."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Literal

import jinja2

from pipeline.monitoring.pages import figures
from pipeline.monitoring.verdict import Kind, Verdict
from pipeline.reports import templates

DAYS = 90  # that the pages look back


@dataclass(frozen=True, kw_only=True)
class Look:
    symbol: str
    tone: Literal["bad", "warn", "info", "good", "quiet"]  # a class of look.html.jinja
    meaning: str
    remedy: str = ""  # where no finding has one of its own
    heading: str = ""  # of docs/runbook.md


# The worst first. A version that nobody can judge yet never hides what another one is.
LOOKS: Mapping[Kind, Look] = {
    "fault": Look(
        symbol="✕",
        tone="bad",
        meaning="the data is broken on its way to the model",
        remedy="have the caller or the source fix it; a retraining would learn the fault",
        heading="Fault",
    ),
    "worse": Look(
        symbol="▼",
        tone="bad",
        meaning="by its outcomes the model is worse than its gate allows",
        remedy="see what drifted, then retrain or go back to the version before",
        heading="Worse",
    ),
    "expected worse": Look(
        symbol="▽",
        tone="warn",
        meaning="by its scores alone the model is expected to be worse than its gate allows",
        remedy="see who asks what now; look for outcomes that confirm it, then retrain",
        heading="Worse",
    ),
    "drift": Look(
        symbol="▲",
        tone="warn",
        meaning="requests no longer look like the training rows",
        remedy="see whether the world has changed, then retrain",
        heading="Drift",
    ),
    "log incomplete": Look(
        symbol="◐",
        tone="warn",
        meaning="requests were answered that the log does not hold",
        remedy="find what the log lost before you believe any other figure here",
        heading="Log incomplete",
    ),
    "no requests": Look(
        symbol="○",
        tone="warn",
        meaning="the log holds no request of the window",
        remedy="see whether callers still ask, and whether request logging is on",
        heading="No requests logged",
    ),
    "no baseline": Look(
        symbol="?",
        tone="warn",
        meaning="the version has no baseline to compare with",
        remedy="train the model again: its next version brings one",
        heading="A model without a baseline",
    ),
    "season": Look(
        symbol="≈",
        tone="info",
        meaning="other than any training window, as a time of the year or of the week may be",
        remedy="nothing yet; it is judged as drift if the next windows are like it",
    ),
    "ok": Look(
        symbol="✓",
        tone="good",
        meaning="requests look like the training rows",
        remedy="nothing",
    ),
    "not enough data": Look(
        symbol="…",
        tone="quiet",
        meaning="too few requests to tell anything",
        remedy="nothing; it is judged once more requests have come",
    ),
}
ORDER = {kind: place for place, kind in enumerate(LOOKS)}


@dataclass(frozen=True)
class Cell:
    """One day of a strip; a day without a verdict has no kind."""

    day: date
    kind: Kind | None


def last_day(verdict: Verdict) -> date:
    """The last day of the window, whose end is the midnight after it."""
    return (verdict.end - timedelta(microseconds=1)).date()


def ninety_days(last: date) -> list[date]:
    return [last - timedelta(days=back) for back in reversed(range(DAYS))]


def strip(verdicts: Iterable[Verdict], last: date) -> list[Cell]:
    """The worst verdict of each of the ninety days that end with `last`."""
    kinds: dict[date, Kind] = {}
    for verdict in sorted(verdicts, key=_mildness):
        kinds[last_day(verdict)] = verdict.kind
    return [Cell(day, kinds.get(day)) for day in ninety_days(last)]


def _mildness(verdict: Verdict) -> int:
    return -ORDER[verdict.kind]


def strip_words(cells: Iterable[Cell]) -> str:
    """What a strip shows, for those who hear it."""
    kinds = [cell.kind for cell in cells]
    counts = [f"{kinds.count(kind)} {kind}" for kind in LOOKS if kind in kinds]
    return ", ".join(counts) or "no verdict"


@cache
def environment() -> jinja2.Environment:
    """Templates beside this file; all that they show is escaped."""
    pages = templates.environment(Path(__file__).parent)
    pages.globals |= {"looks": LOOKS, "strip_words": strip_words}
    pages.filters |= {
        "count": figures.count,
        "cut": figures.cut,
        "day": figures.day,
        "plain": figures.plain,
        "points": figures.points,
        "share": figures.share,
        "times": figures.times,
        "window": figures.window,
    }
    return pages
