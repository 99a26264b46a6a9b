"""Two columns that were exchanged: each one has the other's values."""

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from pipeline.baseline.distance import jensen_shannon
from pipeline.monitoring.rules.change import Change
from pipeline.monitoring.rules.logarithms import Logarithms
from pipeline.monitoring.rules.ties import Tie
from pipeline.monitoring.rules.told import fault
from pipeline.monitoring.rules.units import between
from pipeline.monitoring.verdict import Finding

EXPLAINED = 4  # times less distance than each from its own column
EXPLAINED_ALIKE = 1.5  # times, of columns that are alike and have left their partners
LOGARITHMS = 0.2  # between positive shares, means and deviations
NAMED = 0.8  # of the values, or of those without a bin, belong to the other column


def exchanged(changes: Sequence[Change], ties: Sequence[Tie]) -> Iterator[Finding]:
    """The pairs that explain most come first; each column is in one at most."""
    candidates = [one for one in changes if _comparable(one)]
    gains = [(_gain(left, right, ties), left, right) for left, right in combinations(candidates, 2)]
    gains.sort(key=lambda entry: -entry[0])
    taken: set[str] = set()
    for gain, left, right in gains:
        if gain > 0 and not taken & {left.name, right.name}:
            taken |= {left.name, right.name}
            yield _told(left, right)


def _told(left: Change, right: Change) -> Finding:
    return fault(
        "exchanged",
        [left, right],
        f"{left.name} and {right.name} are exchanged: each has the other's values of the "
        f"training rows, and differs from its own by {left.distance:.2g} and "
        f"{right.distance:.2g} bits",
        f"look where requests are made: what is sent as {left.name} belongs into {right.name}, "
        "and the other way round",
    )


def _comparable(change: Change) -> bool:
    column = change.column
    judged = column.unjudged is None and not column.personal and not change.clock
    return judged and column.bins.count > 1 and change.missing_after < 1


def _gain(left: Change, right: Change, ties: Sequence[Tie]) -> float:
    """Bits that the exchange explains; 0 where it explains too little."""
    own = left.distance + right.distance
    if left.column.bins.kind != right.column.bins.kind:
        return own if _mixed(left, right) or _mixed(right, left) else 0.0
    crossed = _crossed(left, right) + _crossed(right, left)
    moved = left.moved or right.moved
    if moved and EXPLAINED * crossed < own and crossed <= left.fit + right.fit:
        return own - crossed
    alike = _loose(left, right, ties) and _loose(right, left, ties)
    if alike and EXPLAINED_ALIKE * crossed < own:
        return own - crossed
    return 0.0


def _mixed(number: Change, category: Change) -> bool:
    """The number is text, and the category's new values are numbers."""
    if number.column.bins.kind != "number" or number.mistyped_after < NAMED:
        return False
    if category.bins_after[-1] < NAMED:
        return False
    unknown = category.after.other_values
    count = sum(count for value, count in unknown.items() if _is_number(value))
    return count > NAMED * sum(unknown.values())


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _loose(change: Change, other: Change, ties: Sequence[Tie]) -> bool:
    """The column no longer goes together with one that is not the other of the exchange."""
    own = [tie for tie in ties if change.name in tie.columns and other.name not in tie.columns]
    return any(tie.broken for tie in own)


def _crossed(change: Change, other: Change) -> float:
    """Bits between the column's window and the other column's training rows."""
    if change.column.bins.kind == "number":
        if not _same_logarithms(change, other):
            return 1.0
        expected = between(other.column, change.column.bins.edges)
    elif _known(change, other):
        expected = _by_name(change, other)
    else:
        return 1.0
    missing = other.missing_before
    after = (*change.after.bins, change.after.missing)
    return float(jensen_shannon([*expected * (1 - missing), missing], after))


def _same_logarithms(change: Change, other: Change) -> bool:
    """Values outside of all of the column's bins are the other column's all the same."""
    after, before = Logarithms.of(change.after), Logarithms.of(other.before)
    return (
        abs(after.positive - before.positive) < LOGARITHMS
        and abs(after.mean - before.mean) < LOGARITHMS
        and abs(after.deviation - before.deviation) < LOGARITHMS
    )


def _by_name(change: Change, other: Change) -> NDArray[np.float64]:
    counts = _names(other)
    total = max(1, sum(other.before.bins))
    shares = [counts.get(value, 0) / total for value in change.column.bins.values]
    return np.array([*shares, max(0.0, 1 - sum(shares))])


def _known(change: Change, other: Change) -> bool:
    """The values without a bin are the other column's, not new ones."""
    unknown = change.after.other_values
    names = _names(other)
    count = sum(count for value, count in unknown.items() if value in names)
    return count >= NAMED * sum(unknown.values())


def _names(change: Change) -> dict[str, int]:
    binned = dict(zip(change.column.bins.values, change.before.bins, strict=False))
    return binned | dict(change.before.other_values)
