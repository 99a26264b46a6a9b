"""Tries a kind's cases: each must end in an answer or in one short sentence."""

import importlib
import itertools
import pkgutil
import random
import tempfile
import traceback
from dataclasses import dataclass, field
from pathlib import Path

import tests.hostile
from tests.hostile.case import Case, Outcome

ANSWERS = (0, 3)  # done, and the verdict no
REFUSALS = (1, 2)  # failed, and wrong usage or configuration
LONGEST = 400  # of a sentence, its scratch folder not counted


@dataclass
class Tally:
    """What came of the cases of a kind."""

    kind: str
    cases: int = 0
    answers: int = 0
    sentences: int = 0
    failures: list[str] = field(default_factory=list)

    def row(self) -> str:
        return (
            f"{self.kind:<16} {self.cases:>5} {self.answers:>8} {self.sentences:>10} "
            f"{len(self.failures):>9}"
        )


def kinds() -> list[str]:
    """The modules of this package that generate cases."""
    modules = pkgutil.iter_modules(tests.hostile.__path__)
    names = sorted(module.name for module in modules)
    return [name for name in names if not name.startswith(("_", "test_")) and _generates(name)]


def _generates(name: str) -> bool:
    module = importlib.import_module(f"tests.hostile.{name}")
    return hasattr(module, "cases")


def tried(kind: str, *, seed: int, count: int, only: int | None = None) -> Tally:
    """Try the first cases of a kind, or one of them by its number."""
    module = importlib.import_module(f"tests.hostile.{kind}")
    generator = random.Random(f"{kind} {seed}")
    tally = Tally(kind)
    for number, case in enumerate(itertools.islice(module.cases(generator), count)):
        if only in (None, number):
            _add(tally, number, case)
    least_count = count if only is None else 1
    if tally.cases < least_count:
        tally.failures.append(f"{kind} has {tally.cases} cases, allowed are at least {least_count}")
    return tally


def _add(tally: Tally, number: int, case: Case) -> None:
    tally.cases += 1
    with tempfile.TemporaryDirectory(prefix="hostile-") as folder:
        scratch = Path(folder).resolve()
        try:
            outcome = case.outcome(scratch)
        except Exception:
            last_line = traceback.format_exc().strip().splitlines()[-1]
            fault: str | None = f"an exception: {last_line}"
        else:
            fault = fault_of(outcome, scratch)
    if fault:
        tally.failures.append(f"{tally.kind}:{number} {case.name}: {fault}")
    elif outcome.code in ANSWERS:
        tally.answers += 1
    else:
        tally.sentences += 1


def fault_of(outcome: Outcome, scratch: Path) -> str | None:
    """What is wrong with how a case ended; None where nothing is."""
    text = outcome.text.replace(str(scratch), "").strip()
    if "Traceback" in text:
        return f"a traceback: {text[-LONGEST:]}"
    if outcome.code in ANSWERS:
        return None
    if outcome.code not in REFUSALS:
        return f"exit {outcome.code}: {text[-LONGEST:]}"
    if not text:
        return f"exit {outcome.code} without a word"
    if len(text.splitlines()) > 1:
        return f"{len(text.splitlines())} lines: {text[-LONGEST:]}"
    if len(text) > LONGEST:
        return f"a sentence of {len(text)} characters: {text[:LONGEST]}"
    return None
