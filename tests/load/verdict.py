"""How a load ends at a terminal: its figures, the bounds that do not hold, and the exit code."""

from collections.abc import Iterator
from typing import Protocol


class Measured(Protocol):
    """What was measured of a load."""

    def figures(self) -> Iterator[str]: ...

    def problems(self) -> Iterator[str]: ...


def told(measured: Measured) -> int:
    """Print the figures and the problems; 1 where there is one."""
    for line in measured.figures():
        print(line)
    problems = list(measured.problems())
    for problem in problems:
        print(f"does not hold: {problem}")
    return 1 if problems else 0
