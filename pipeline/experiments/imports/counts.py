"""Counts a run's rows by type: those that were read, and what became of each."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from pipeline.errors import RunError

Json = dict[str, Any]


@dataclass
class Counts:
    """Rows by attribute_type; `left_out` has them by reason."""

    read: Counter[str] = field(default_factory=Counter)
    taken: Counter[str] = field(default_factory=Counter)
    left_out: dict[str, Counter[str]] = field(default_factory=dict)

    def leave_out(self, reason: str, rows: Counter[str]) -> None:
        if rows:
            self.left_out.setdefault(reason, Counter()).update(rows)

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
        if self.read.total() != in_parts:
            raise RunError(f"its parts have {in_parts} rows, and {self.read.total()} were read")
        if self.taken.total() != written:
            raise RunError(f"{self.taken.total()} rows are to be kept, and {written} were written")

    def document(self) -> Json:
        left_out = {reason: dict(rows) for reason, rows in sorted(self.left_out.items())}
        return {"read": dict(self.read), "taken": dict(self.taken), "left_out": left_out}


def decode(document: Json) -> Counts:
    """The counts of their JSON."""
    left_out = {reason: Counter(rows) for reason, rows in document["left_out"].items()}
    return Counts(Counter(document["read"]), Counter(document["taken"]), left_out)
