"""Whether a retraining is asked for: by a drift that lasts or by outcomes, never for a fault.

The windows that count share no day: the one that is judged, and those one and two lengths before.
Whoever wants another kind of verdict to ask for a retraining names it in NEEDED.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Protocol

from pipeline.monitoring import acceptance
from pipeline.monitoring.acceptance import Acceptance
from pipeline.monitoring.place import Version
from pipeline.monitoring.verdict import Kind, Verdict
from pipeline.monitoring.verdicts import Row

WINDOWS = 3
# In how many of them something must be amiss, by the newest one's kind.
NEEDED: Mapping[Kind, int] = {"drift": 2, "worse": 1}
WEEK = timedelta(days=7)
MOST_A_WEEK = 2
NOT_ASKED = "no retraining is asked for"
SWITCHED_OFF = (
    f"{NOT_ASKED}: --request-retraining is no, "
    "which request_retraining of environments.py says in a stage"
)


class Request(Protocol):
    """A retraining that was asked for by the window that ends on `day`."""

    @property
    def version(self) -> str: ...

    @property
    def day(self) -> date: ...


@dataclass(frozen=True, kw_only=True)
class Wish:
    """A version's newest window, and what was found in those before it."""

    version: Version
    verdict: Verdict
    day: date  # the window's last
    earlier: Sequence[Row]
    acceptances: Sequence[Acceptance]

    @property
    def model(self) -> str:
        return self.verdict.model

    @property
    def length(self) -> timedelta:
        return timedelta(days=self.version.window_days)


def concerns(verdict: Verdict) -> bool:
    """Whether somebody may wonder about a retraining."""
    return verdict.kind in NEEDED or verdict.kind == "fault"


def refusal(wish: Wish, requests: Sequence[Request]) -> str | None:
    """Why no retraining is asked for, in a sentence; None where one is.

    `requests` are those of the model so far, of all its versions.
    """
    return _by_findings(wish) or _by_windows(wish) or _by_requests(wish, requests)


def _by_findings(wish: Wish) -> str | None:
    verdict = wish.verdict
    faults = [f for f in verdict.findings if f.kind == "fault" and f.accepted is None]
    if faults or verdict.kind == "fault":
        return "it would learn the fault"
    if verdict.kind not in NEEDED:
        return f"the verdict is {verdict.kind}"
    if not any(span.end is None for span in wish.version.spans):
        return f"version {wish.version.number or wish.version.id} has no traffic any more"
    return None


def _by_windows(wish: Wish) -> str | None:
    needed = NEEDED[wish.verdict.kind]
    accepted = acceptance.valid(wish.acceptances, wish.day)
    days = {wish.day - number * wish.length for number in range(1, WINDOWS)}
    rows = [row for row in wish.earlier if row.day in days and _is_of(row, wish.version)]
    verdicts = {row.day: acceptance.applied(row.verdict, accepted) for row in rows}
    count = 1 + sum(verdict.kind in NEEDED for verdict in verdicts.values())
    if count >= needed:
        return None
    return (
        f"{wish.verdict.kind} was found in {count} of the last {WINDOWS} windows, "
        f"which share no day, and {needed} are needed"
    )


def _is_of(row: Row, version: Version) -> bool:
    """Whether a row is of the version, which another machine may have served then."""
    same_number = bool(version.number) and row.version == version.number
    return same_number or row.verdict.deployed_model_id == version.id


def _by_requests(wish: Wish, requests: Sequence[Request]) -> str | None:
    """Later windows count as well: a clock may go back."""
    for request in reversed(requests):
        of_version = request.version == wish.version.number
        if request.day >= wish.day or (of_version and wish.day - request.day < wish.length):
            return f"the window until {request.day} has asked for one, which shares days with this"
    week = [request for request in requests if wish.day - request.day < WEEK]
    if len(week) >= MOST_A_WEEK:
        return f"{len(week)} were asked for in the seven days until {wish.day}"
    return None
