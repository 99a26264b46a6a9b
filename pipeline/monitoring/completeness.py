"""Compares a request log with what was answered: a log that loses rows misleads every verdict."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

from scipy import stats

from pipeline.baseline.profile import Profile

CONFIDENCE = 0.999
# A window's first and last minute: Cloud Monitoring counts by the minute, and the log by the time
# of the answer.
EDGE_SHARE = 0.001


@dataclass(frozen=True)
class Answered:
    """What a version answered in a window.

    Requests, as response_count of Cloud Monitoring and a server of ours count them; or instances,
    as its prediction_count does: "If you have more than one instance per request, each instance is
    counted" (docs.cloud.google.com/vertex-ai/docs/general/monitoring-metrics).
    """

    count: float
    unit: Literal["instances", "requests"]
    days: frozenset[date] | None = None  # of the window that were counted; None is all of them


def expected_requests(profile: Profile, answered: Answered, rate: float) -> float:
    """The rows that a whole log would have, beside those that it has."""
    if answered.unit == "requests" or not profile.instances:
        return answered.count * rate
    return answered.count * rate * profile.requests / profile.instances


def problem(
    profile: Profile, answered: Answered, rate: float, instances_per_request: float = 1.0
) -> str | None:
    """Say what a log lacks, if it lacks more than chance takes.

    `instances_per_request` is the usual size of a request, for a log without rows.
    """
    logged = _logged(profile, answered)
    expected = answered.count * rate
    lowest = _lowest(profile, answered, rate, instances_per_request)
    if logged >= lowest:
        return None
    return (
        f"the log has {logged:,} {answered.unit}, and {expected:,.0f} are expected of "
        f"{answered.count:,.0f} answered at {rate:.1%}: {1 - logged / expected:.1%} are lost"
    )


def _logged(profile: Profile, answered: Answered) -> int:
    """All that the log has, the instances of smoke tests too, which ask one by one."""
    if answered.unit == "requests":
        return profile.requests + profile.smoke
    return profile.instances + profile.unparsable + profile.foreign + profile.smoke


def _lowest(
    profile: Profile, answered: Answered, rate: float, instances_per_request: float
) -> float:
    """The fewest that chance leaves in one log of a thousand.

    Requests are drawn whole: those with many instances count as fewer draws, by Kish's effect.
    """
    size = 1.0
    if answered.unit == "instances":
        effect = profile.request_squares / profile.instances if profile.instances else 0.0
        size = max(1.0, effect or instances_per_request)
    draws = answered.count / size
    tail = (1 - CONFIDENCE) / 2
    fewest = float(stats.binom.ppf(tail, round(draws), rate)) * size
    return fewest - EDGE_SHARE * answered.count * rate
