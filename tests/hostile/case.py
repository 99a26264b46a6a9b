"""A hostile input, and what came of it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Outcome:
    """How a command ended: its exit code, and what it said on standard error."""

    code: int
    text: str


@dataclass(frozen=True)
class Case:
    """A generated input by name; `outcome` asks for it, in a scratch folder of its own."""

    name: str
    outcome: Callable[[Path], Outcome]
