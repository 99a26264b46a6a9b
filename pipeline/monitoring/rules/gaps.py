"""Values that are gone, of another type, or filled in where they used to be missing."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from pipeline.monitoring.rules.change import Change
from pipeline.monitoring.rules.told import are, fault, listed, percent
from pipeline.monitoring.verdict import Finding

MISSING = 0.015  # of all instances more, beyond what training's blocks showed
SELDOM = 0.005  # other hours lack more of what is missing more often
MISSING_ALPHA = 0.001  # of chance; the points beside it make it a rarer one
MISTYPED = 0.005
ABSENT = 0.99
RARE = 0.9  # a column that training mostly lacks is not missed
FILLED = 0.7  # of the values that are no longer missing are in one bin
ALIKE = 0.01  # columns that lack as many more, lack them together


def absent(changes: Sequence[Change]) -> Iterator[Finding]:
    """Columns that training had and requests as good as never have."""
    for group in _together(changes, _absence):
        names = listed([change.name for change in group])
        yield fault(
            "absent",
            group,
            f"{names} {are(group)} in {percent(1 - group[0].missing_after)} of the instances, in "
            f"training in {percent(1 - group[0].missing_before)}",
            f"look whether callers renamed or dropped {names}: to the model it is missing",
        )


def mistyped(changes: Sequence[Change]) -> Iterator[Finding]:
    """Text is sent where the model takes a number."""
    for group in _together(changes, _mistyped):
        names = listed([change.name for change in group])
        yield fault(
            "mistyped",
            group,
            f"{names} {are(group)} no number in {percent(group[0].mistyped_after)} of the instances",
            f"send {names} as JSON numbers",
        )


def missing(changes: Sequence[Change]) -> Iterator[Finding]:
    """More is missing than training's own time blocks lacked."""
    for group in _together(changes, _missing):
        names = listed([change.name for change in group])
        yield fault(
            "missing",
            group,
            f"{names} {are(group)} missing in {percent(group[0].missing_after)} of the instances, "
            f"in training in {percent(group[0].missing_before)}",
            f"look which callers leave {names} out, or which source no longer has it",
        )


def filled(change: Change) -> Finding | None:
    """One value stands where values used to be missing: a mean, a zero, an empty text."""
    decrease = -_increase(change)
    if decrease <= _tolerated(change):
        return None
    before = np.array(change.before.bins) / max(1, change.before.total)
    after = np.array(change.after.bins) / max(1, change.after.total)
    growth = after - before
    place = int(growth.argmax())
    if growth[place] < FILLED * decrease:
        return None
    return fault(
        "filled in",
        [change],
        f"{change.name} is missing in {percent(change.missing_after)} of the instances, in "
        f"training in {percent(change.missing_before)}, and {change.bin_name(place)} has "
        f"{percent(after[place])} instead of {percent(before[place])}: one value is filled in",
        f"leave {change.name} out where it is not known, as in training",
    )


def _together(changes: Sequence[Change], size: Callable[[Change], float]) -> Iterator[list[Change]]:
    """Columns of the same cause: as many instances have it, which is `size` or 0."""
    affected = sorted((change for change in changes if size(change) > 0), key=size)
    group: list[Change] = []
    for change in affected:
        if group and size(change) - size(group[0]) > ALIKE:
            yield group
            group = []
        group.append(change)
    if group:
        yield group


def _absence(change: Change) -> float:
    gone = change.missing_after >= ABSENT and change.missing_before <= RARE
    return 1.0 if gone else 0.0


def _mistyped(change: Change) -> float:
    share = change.mistyped_after
    return share if share > MISTYPED + change.chance(MISTYPED) else 0.0


def _missing(change: Change) -> float:
    increase = _increase(change)
    if increase <= _tolerated(change):
        return 0.0
    usual = change.missing_before > SELDOM
    return 0.0 if usual and change.in_season else increase


def _increase(change: Change) -> float:
    return change.missing_after - change.missing_before


def _tolerated(change: Change) -> float:
    """Of a change of the missing share."""
    chance = change.chance(change.missing_before, MISSING_ALPHA)
    return max(MISSING, change.column.missing_limit) + chance
