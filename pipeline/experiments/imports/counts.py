"""Counts a run's rows by type: those that were read, and what became of each."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from pipeline.errors import RunError

Json = dict[str, Any]
Rows = Counter[str]  # by attribute_type


@dataclass
class Counts:
    """Rows by attribute_type; `left_out` has them by reason."""

    read: Rows = field(default_factory=Counter)
    taken: Rows = field(default_factory=Counter)
    left_out: dict[str, Rows] = field(default_factory=dict)

    def leave_out(self, reason: str, rows: Rows) -> None:
        if rows:
            rows_of_reason = self.left_out.setdefault(reason, Counter())
            rows_of_reason.update(rows)

    def add(self, other: "Counts") -> None:
        self.read.update(other.read)
        self.taken.update(other.taken)
        for reason, rows in other.left_out.items():
            self.leave_out(reason, rows)

    def check(self, in_parts: int, written: int) -> None:
        """Raise RunError unless every row is accounted for.

        `in_parts` and `written` are what the footers of the read and the written files say.
        """
        accounted = self.taken.copy()
        for rows in self.left_out.values():
            accounted.update(rows)
        if self.read != accounted:
            raise RunError(f"rows in and out differ: {dict(self.read)} in, {dict(accounted)} out")
        read, taken = self.read.total(), self.taken.total()
        if read != in_parts:
            raise RunError(f"its parts have {in_parts} rows, and {read} were read")
        if taken != written:
            raise RunError(f"{taken} rows are to be kept, and {written} were written")

    def document(self) -> Json:
        ordered_reasons = sorted(self.left_out.items())
        left_out = {reason: dict(rows) for reason, rows in ordered_reasons}
        read, taken = dict(self.read), dict(self.taken)
        return {"read": read, "taken": taken, "left_out": left_out}


def decode(document: Json) -> Counts:
    """The counts of their JSON."""
    reasons: Json = document["left_out"]
    left_out: dict[str, Rows] = {}
    for reason, rows in reasons.items():
        left_out[reason] = Counter(rows)
    read: Rows = Counter(document["read"])
    taken: Rows = Counter(document["taken"])
    return Counts(read, taken, left_out)
