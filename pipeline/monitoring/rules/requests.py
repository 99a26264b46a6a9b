"""Requests that are no requests of this model, go unanswered, or come in other numbers."""

from collections.abc import Iterator, Sequence

from pipeline.baseline.content import Baseline
from pipeline.baseline.profile import Profile
from pipeline.monitoring.rules.change import SIGMAS, chance_of_share
from pipeline.monitoring.rules.told import percent
from pipeline.monitoring.verdict import Finding

TOLERATED = 0.005
COMPARED = 4  # windows before, at least
RANGE = 2.0  # times less or more than any of them
WEEK = 7


def unreadable(window: Profile) -> Iterator[Finding]:
    """Elements of a payload that no column can be counted of, and instances without a score."""
    elements = window.instances + window.unparsable + window.foreign
    yield from _share(
        "unparsable",
        window.unparsable / max(1, elements),
        window,
        "of the logged elements are no JSON object",
        "look which caller sends them, and whether the log cuts long requests",
    )
    yield from _share(
        "foreign",
        window.foreign / max(1, elements),
        window,
        "of the logged instances have none of the model's columns: they are another model's",
        "look which caller asks the wrong endpoint",
    )


def unanswered(window: Profile) -> Iterator[Finding]:
    """Instances without a score."""
    yield from _share(
        "unanswered",
        window.unanswered / max(1, window.instances),
        window,
        "of the instances have no score in the log",
        "look for errors in the server's log, and for answers shorter than their requests",
    )


def volume(baseline: Baseline, window: Profile, earlier: Sequence[Profile]) -> Iterator[Finding]:
    """Far fewer or more requests than any of the windows before, of the same weekday."""
    counts = [one.requests for one in _same_weekday(baseline, earlier) if one.requests]
    if len(counts) < COMPARED or not window.requests:
        return
    least, most = min(counts), max(counts)
    chance = SIGMAS * window.requests**0.5
    if least / RANGE - chance <= window.requests <= most * RANGE + chance:
        return
    yield Finding(
        kind="fault",
        name="volume",
        columns=(),
        sentence=f"{window.requests:,} requests came, in the {len(counts)} windows before "
        f"{least:,} to {most:,}",
        remedy="look whether a caller stopped, retries without end, or the traffic split changed",
    )


def _same_weekday(baseline: Baseline, earlier: Sequence[Profile]) -> Sequence[Profile]:
    """Of days: every seventh one before; a window of whole weeks is like any other."""
    days = baseline.window_days
    return [one for place, one in enumerate(earlier, 1) if place * days % WEEK == 0]


def _share(
    name: str, share: float, window: Profile, sentence: str, remedy: str
) -> Iterator[Finding]:
    witnesses = window.effective or window.unparsable + window.foreign
    chance = chance_of_share(TOLERATED, witnesses, float("inf"))
    if share > TOLERATED + chance:
        yield Finding(
            kind="fault",
            name=name,
            columns=(),
            sentence=f"{percent(share)} {sentence}",
            remedy=remedy,
        )
