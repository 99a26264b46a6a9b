"""Requests for another model, without an answer, or in other numbers."""

from collections.abc import Iterator, Sequence
from math import inf, sqrt

from pipeline.baseline.content import Baseline
from pipeline.baseline.profile import Profile
from pipeline.monitoring.judging.rules.change import SIGMAS, chance_of_share
from pipeline.monitoring.judging.rules.sentences import percent
from pipeline.monitoring.verdict import Finding

TOLERATED = 0.005
COMPARED = 4  # windows before, at least
RANGE = 2  # times less or more than any of them
WEEK = 7


def unreadable(window: Profile) -> Iterator[Finding]:
    """Elements of a payload without any countable column."""
    elements = window.instances + window.unparsable + window.foreign
    if _is_frequent(window.unparsable, elements, window):
        share = percent(window.unparsable / elements)
        yield _finding(
            "unparsable",
            f"{share} of the logged elements are no JSON object",
            "look which caller sends them, and whether the log cuts long requests",
        )
    if _is_frequent(window.foreign, elements, window):
        share = percent(window.foreign / elements)
        yield _finding(
            "foreign",
            f"{share} of the logged instances have none of the model's columns: "
            "they are another model's",
            "look which caller asks the wrong endpoint",
        )


def unanswered(window: Profile) -> Iterator[Finding]:
    """Instances without a score."""
    if _is_frequent(window.unanswered, window.instances, window):
        share = percent(window.unanswered / window.instances)
        yield _finding(
            "unanswered",
            f"{share} of the instances have no score in the log",
            "look for errors in the server's log, and for answers shorter than their requests",
        )


def volume(baseline: Baseline, window: Profile, earlier: Sequence[Profile]) -> Iterator[Finding]:
    """Far fewer or more requests than any of the windows before, of the same weekday."""
    counts = [profile.requests for profile in _of_same_weekday(baseline, earlier)]
    positive = [count for count in counts if count]
    if len(positive) < COMPARED or not window.requests:
        return
    least = min(positive)
    most = max(positive)
    chance = SIGMAS * sqrt(window.requests)
    lower = least / RANGE - chance
    upper = most * RANGE + chance
    if lower <= window.requests <= upper:
        return
    yield _finding(
        "volume",
        f"{window.requests:,} requests came, in each of {len(positive)} windows before "
        f"{least:,} to {most:,}",
        "look whether a caller stopped, retries without end, or the traffic split changed",
    )


def _of_same_weekday(baseline: Baseline, earlier: Sequence[Profile]) -> list[Profile]:
    """Of days: every seventh one before; a window of whole weeks is like any other."""
    days = baseline.window_days
    numbered = enumerate(earlier, start=1)
    return [profile for number, profile in numbered if number * days % WEEK == 0]


def _is_frequent(count: int, elements: int, window: Profile) -> bool:
    witnesses = window.effective or elements
    chance = chance_of_share(TOLERATED, witnesses, inf)
    return count > (TOLERATED + chance) * elements


def _finding(name: str, sentence: str, remedy: str) -> Finding:
    return Finding(kind="fault", name=name, columns=(), sentence=sentence, remedy=remedy)
