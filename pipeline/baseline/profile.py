"""Counts of rows or logged instances by a baseline's bins.

Profiles of disjoint rows add up: a week is the sum of its days.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

SCORE_BINS = 50  # of equal width, from 0 to 1
FOLDED = 10  # a value that fewer instances have is not named


@dataclass(frozen=True, kw_only=True)
class ColumnCounts:
    """`bins` are a column's bins in the baseline's order: a category's last one is all others."""

    bins: tuple[int, ...]
    missing: int = 0  # absent, or null
    mistyped: int = 0  # text where a number belongs
    whole: int = 0  # numbers without a fraction
    positive: int = 0  # numbers above zero, with the sums of their logarithms and its squares
    log_sum: float = 0.0
    log_square_sum: float = 0.0
    distinct: int = 0  # at least so many values: the most that one day had
    other_values: Mapping[str, int] = field(default_factory=dict)  # frequent ones without a bin

    @property
    def total(self) -> int:
        return sum(self.bins) + self.missing + self.mistyped

    def __add__(self, other: "ColumnCounts") -> "ColumnCounts":
        return ColumnCounts(
            bins=_added(self.bins, other.bins),
            missing=self.missing + other.missing,
            mistyped=self.mistyped + other.mistyped,
            whole=self.whole + other.whole,
            positive=self.positive + other.positive,
            log_sum=self.log_sum + other.log_sum,
            log_square_sum=self.log_square_sum + other.log_square_sum,
            distinct=max(self.distinct, other.distinct),
            other_values=dict(Counter(self.other_values) + Counter(other.other_values)),
        )


@dataclass(frozen=True, kw_only=True)
class Profile:
    """Of one version's instances in a window, or of a baseline's training rows.

    `pairs` holds each pair's table, row after row, by "COLUMN,COLUMN".
    """

    instances: int
    requests: int
    request_squares: int  # the sum of the squared instances of each request
    unparsable: int = 0  # elements that are no JSON object, counted in no column
    foreign: int = 0  # objects without any of the columns, counted in no column
    unanswered: int = 0  # without a score
    smoke: int = 0  # instances of smoke tests, counted nowhere else
    columns: Mapping[str, ColumnCounts]
    scores: tuple[int, ...]
    pairs: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    @property
    def effective(self) -> float:
        """Kish's effective size: a caller's thousand instances are not a thousand witnesses."""
        return self.instances**2 / self.request_squares if self.request_squares else 0.0

    def __add__(self, other: "Profile") -> "Profile":
        columns = {name: counts + other.columns[name] for name, counts in self.columns.items()}
        pairs = {name: _added(cells, other.pairs[name]) for name, cells in self.pairs.items()}
        return Profile(
            instances=self.instances + other.instances,
            requests=self.requests + other.requests,
            request_squares=self.request_squares + other.request_squares,
            unparsable=self.unparsable + other.unparsable,
            foreign=self.foreign + other.foreign,
            unanswered=self.unanswered + other.unanswered,
            smoke=self.smoke + other.smoke,
            columns=columns,
            scores=_added(self.scores, other.scores),
            pairs=pairs,
        )


def _added(left: tuple[int, ...], right: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(a + b for a, b in zip(left, right, strict=True))
