"""Findings of faults, and the words and numbers of their sentences."""

from collections.abc import Sequence
from operator import attrgetter

from pipeline.monitoring.judging.rules.change import Change
from pipeline.monitoring.verdict import Finding


def fault(name: str, changes: Sequence[Change], sentence: str, remedy: str) -> Finding:
    """A finding on the columns of one cause."""
    worst = max(changes, key=attrgetter("distance"))
    importances = [change.column.importance or 0.0 for change in changes]
    return Finding(
        kind="fault",
        name=name,
        columns=tuple(change.name for change in changes),
        sentence=sentence,
        remedy=remedy,
        distance=worst.distance,
        limit=worst.column.limit,
        importance=max(0.0, *importances),
    )


def percent(share: float, unit: str = "%") -> str:
    """A share in three digits."""
    if 0 < share < 0.001:
        return f"less than 0.1 {unit}"
    if 0.999 < share < 1:
        return f"more than 99.9 {unit}"
    return f"{share * 100:.3g} {unit}"


def listed(names: Sequence[str]) -> str:
    """Join names as a sentence does: A, B and C."""
    first = ", ".join(names[:-1])
    last = "".join(names[-1:])
    return f"{first} and {last}" if first else last


def names_of(changes: Sequence[Change]) -> str:
    return listed([change.name for change in changes])


def are(changes: Sequence[Change]) -> str:
    return "is" if len(changes) == 1 else "are"
