"""Whether enough outcomes of a window are known: as many as usually are at that age."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import accumulate
from statistics import median

from pipeline.monitoring.outcomes.counts import LabelCounts

NEEDED = 0.8  # of the usual share
DAYS = 7  # with keys that say what is usual, at least


@dataclass(frozen=True, kw_only=True)
class Maturity:
    """`usual` is the share of keyed instances that earlier days had outcomes of at that age."""

    keyed: int
    labelled: int
    usual: float | None = None

    @property
    def share(self) -> float:
        return self.labelled / self.keyed if self.keyed else 0.0

    @property
    def is_ripe(self) -> bool:
        if self.usual is None:
            return True
        return self.share >= NEEDED * self.usual


def of_window(days: Mapping[date, LabelCounts], window: Sequence[date], last: date) -> Maturity:
    """The maturity of the window's days on the day after `last`; earlier days are the usual."""
    counted = {day: days[day] for day in window if day in days}
    earlier = [counts for day, counts in days.items() if day < min(window) and counts.keyed]
    keyed = sum(counts.keyed for counts in counted.values())
    labelled = sum(counts.labelled for counts in counted.values())
    if len(earlier) < DAYS or not keyed:
        return Maturity(keyed=keyed, labelled=labelled)
    weights = {(last - day).days: counts.keyed for day, counts in counted.items()}
    shares = [median(_shares_by(age, earlier)) * weight for age, weight in weights.items()]
    return Maturity(keyed=keyed, labelled=labelled, usual=sum(shares) / keyed)


def _shares_by(age: int, days: Sequence[LabelCounts]) -> list[float]:
    """Of each day, the share of keyed instances whose outcome was known by an age."""
    return [_known_by(age, counts) / counts.keyed for counts in days]


def _known_by(age: int, counts: LabelCounts) -> int:
    sums = list(accumulate(counts.ages))
    return sums[min(age, len(sums) - 1)] if sums else 0
