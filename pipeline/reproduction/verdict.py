"""What a comparison says of each step of two runs, and of both as a whole."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

VERSION = 1  # of the JSON
TOLERANCE = 1e-6  # of figures that are sums of floating-point numbers

Word = Literal["bit-equal", "within tolerance", "different", "not compared"]
Outcome = tuple[Word, str | None]  # and the first difference
WORST_FIRST: tuple[Word, ...] = ("different", "within tolerance", "bit-equal")


@dataclass(frozen=True)
class Step:
    """One step; `difference` is the first one, or why it was not compared."""

    name: str
    verdict: Word
    difference: str | None = None


@dataclass(frozen=True)
class Verdict:
    """All steps, in the order they run in; `notes` are differences of the surroundings."""

    run: str
    steps: Sequence[Step]
    notes: Sequence[str] = ()
    code: str | None = None  # what was made again: a commit, or the ref of files that differed
    against: str | None = None  # the run that it was compared with, where nothing was made

    @property
    def word(self) -> Word:
        """The worst of the steps; nothing compared is no equality."""
        words = {step.verdict for step in self.steps}
        for word in WORST_FIRST:
            if word in words:
                return word
        return "not compared"

    @property
    def first_difference(self) -> Step | None:
        for step in self.steps:
            if step.verdict in ("different", "within tolerance"):
                return step
        return None


def document(verdict: Verdict) -> dict[str, Any]:
    """The verdict for machines."""
    first = verdict.first_difference
    return {
        "version": VERSION,
        "run": verdict.run,
        "code": verdict.code,
        "against": verdict.against,
        "verdict": verdict.word,
        "first_difference": first.name if first else None,
        "steps": [asdict(step) for step in verdict.steps],
        "notes": list(verdict.notes),
    }


def text(verdict: Verdict) -> str:
    return "\n".join(_lines(verdict))


def _lines(verdict: Verdict) -> Iterator[str]:
    width = max(len(step.name) for step in verdict.steps)
    for step in verdict.steps:
        difference = f": {step.difference}" if step.difference else ""
        yield f"{step.name:<{width}}  {step.verdict}{difference}"
    for note in verdict.notes:
        yield f"note: {note}"
    first = verdict.first_difference
    where = f", first in {first.name}" if first else ""
    other = f"made again from {verdict.code}"
    if verdict.against:
        other = f"compared with {verdict.against}"
    yield f"{verdict.run} {other}: {verdict.word}{where}"
