"""What a comparison says of each stage of two runs, and of both as a whole."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

VERSION = 1  # of the JSON
TOLERANCE = 1e-6  # of figures that are sums of floating-point numbers

Word = Literal["bit-equal", "within tolerance", "different", "not compared"]
WORST_FIRST: tuple[Word, ...] = ("different", "within tolerance", "bit-equal")


@dataclass(frozen=True)
class Stage:
    """One stage; `difference` is the first one, or why it was not compared."""

    name: str
    verdict: Word
    difference: str | None = None


@dataclass(frozen=True)
class Verdict:
    """All stages, in the order they run in; `notes` are differences of the surroundings."""

    run: str
    stages: Sequence[Stage]
    notes: Sequence[str] = ()
    code: str | None = None  # what was made again: a commit, or the ref of files that differed
    against: str | None = None  # the run that it was compared with, where nothing was made

    @property
    def word(self) -> Word:
        """The worst of the stages; nothing compared is no equality."""
        words = {stage.verdict for stage in self.stages}
        for word in WORST_FIRST:
            if word in words:
                return word
        return "not compared"

    @property
    def first_difference(self) -> Stage | None:
        for stage in self.stages:
            if stage.verdict in ("different", "within tolerance"):
                return stage
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
        "stages": [asdict(stage) for stage in verdict.stages],
        "notes": list(verdict.notes),
    }


def text(verdict: Verdict) -> str:
    return "\n".join(_lines(verdict))


def _lines(verdict: Verdict) -> Iterator[str]:
    width = max(len(stage.name) for stage in verdict.stages)
    for stage in verdict.stages:
        difference = f": {stage.difference}" if stage.difference else ""
        yield f"{stage.name:<{width}}  {stage.verdict}{difference}"
    for note in verdict.notes:
        yield f"note: {note}"
    first = verdict.first_difference
    where = f", first in {first.name}" if first else ""
    other = f"made again from {verdict.code}"
    if verdict.against:
        other = f"compared with {verdict.against}"
    yield f"{verdict.run} {other}: {verdict.word}{where}"
