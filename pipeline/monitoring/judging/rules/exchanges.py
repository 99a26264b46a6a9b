"""Two exchanged columns: each one has the other's values."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np

from pipeline.baseline.distance import jensen_shannon
from pipeline.monitoring.judging.distances import cells
from pipeline.monitoring.judging.rules.change import Change
from pipeline.monitoring.judging.rules.expected_shares import (
    scaled_shares,
    shares_of_values,
    value_counts,
)
from pipeline.monitoring.judging.rules.logarithms import Logarithms
from pipeline.monitoring.judging.rules.sentences import fault
from pipeline.monitoring.judging.rules.ties import Tie
from pipeline.monitoring.verdict import Finding

EXPLAINED = 4  # times less distance than each from its own column
EXPLAINED_ALIKE = 1.5  # times, of columns that are alike and have left their partners
LOGARITHMS = 0.2  # between positive shares, means and deviations
NAMED = 0.8  # of the values, or of those without a bin, belong to the other column


def exchanged(changes: Sequence[Change], ties: Sequence[Tie]) -> Iterator[Finding]:
    """The pairs with the largest gain come first; each column is in one at most."""
    comparable = [change for change in changes if _is_comparable(change)]
    pairs = [_Exchange(left, right, ties) for left, right in combinations(comparable, 2)]
    fitting = [pair for pair in pairs if pair.fits]
    fitting.sort(key=lambda pair: -pair.gain)
    exchanged_names: set[str] = set()
    for pair in fitting:
        if exchanged_names.isdisjoint(pair.names):
            exchanged_names |= pair.names
            yield _finding(pair.left, pair.right)


def _finding(left: Change, right: Change) -> Finding:
    return fault(
        "exchanged",
        [left, right],
        f"{left.name} and {right.name} are exchanged: each has the other's values of the "
        f"training rows, and differs from its own by {left.distance:.2g} and "
        f"{right.distance:.2g} bits",
        f"look where requests are made: what is sent as {left.name} belongs into {right.name}, "
        "and the other way round",
    )


def _is_comparable(change: Change) -> bool:
    column = change.column
    binned = column.bins.values if column.bins.kind == "category" else column.quantiles
    return change.is_judged and len(binned) > 0 and change.window_missing < 1


@dataclass(frozen=True)
class _Exchange:
    """Two columns, each perhaps with the other's values."""

    left: Change
    right: Change
    ties: Sequence[Tie]

    @property
    def names(self) -> set[str]:
        return {self.left.name, self.right.name}

    @property
    def own(self) -> float:
        """Bits between the columns and their own training rows."""
        return self.left.distance + self.right.distance

    @cached_property
    def crossed(self) -> float:
        """Bits between the columns and each other's training rows."""
        return _distance(self.left, self.right) + _distance(self.right, self.left)

    @property
    def gain(self) -> float:
        """Bits explained by the exchange."""
        return self.own if self._is_mixed else self.own - self.crossed

    @property
    def fits(self) -> bool:
        if self._is_mixed:
            return _is_mixed(self.left, self.right) or _is_mixed(self.right, self.left)
        if self.left.moved or self.right.moved:
            near = self.crossed <= self.left.fit + self.right.fit
            if near and EXPLAINED * self.crossed < self.own:
                return True
        return self._is_alike and EXPLAINED_ALIKE * self.crossed < self.own

    @property
    def _is_mixed(self) -> bool:
        return self.left.column.bins.kind != self.right.column.bins.kind

    @property
    def _is_alike(self) -> bool:
        """Each column no longer goes together with a third one."""
        broken = [set(tie.columns) for tie in self.ties if tie.broken]
        thirds = [columns for columns in broken if columns != self.names]
        left_is_loose = any(self.left.name in columns for columns in thirds)
        right_is_loose = any(self.right.name in columns for columns in thirds)
        return left_is_loose and right_is_loose


def _is_mixed(number: Change, category: Change) -> bool:
    """The number is text, and the category's values are numbers."""
    if number.mistyped_share < NAMED or category.column.bins.kind != "category":
        return False
    values = category.window.other_values
    numeric = [count for value, count in values.items() if _is_number(value)]
    new = category.window_bins[-1] >= NAMED
    return bool(new) and sum(numeric) > NAMED * sum(values.values())


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _distance(change: Change, partner: Change) -> float:
    """Bits between the column's window and the partner's training rows; 1 if incomparable."""
    if change.column.bins.kind == "number":
        comparable = _have_same_logarithms(change, partner)
        shares = scaled_shares(partner.column, change.column.bins.edges)
    else:
        comparable = _have_same_values(change, partner)
        shares = shares_of_values(change, partner)
    if not comparable:
        return 1.0
    missing = partner.training_missing
    expected = np.append(shares * (1 - missing), missing)
    return float(jensen_shannon(expected, cells(change.window)))


def _have_same_logarithms(change: Change, partner: Change) -> bool:
    """Values outside of all of the column's bins are the partner's all the same."""
    window = Logarithms.of(change.window)
    training = Logarithms.of(partner.training)
    differences = (
        window.positive - training.positive,
        window.mean - training.mean,
        window.deviation - training.deviation,
    )
    return max(differences) < LOGARITHMS and min(differences) > -LOGARITHMS


def _have_same_values(change: Change, partner: Change) -> bool:
    """The values without a bin are the partner's, not new ones."""
    values = change.window.other_values
    names = value_counts(partner)
    partners = [count for value, count in values.items() if value in names]
    return sum(partners) >= NAMED * sum(values.values())
