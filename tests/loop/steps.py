"""The steps of a loop as they go by, and a table of them at its end."""

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table


@dataclass
class Step:
    name: str
    seconds: float = 0.0
    outcome: str = ""


@dataclass
class Steps:
    console: Console
    all: list[Step] = field(default_factory=list)

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """Time a step; whoever does it says what came out."""
        step = Step(name)
        self.all.append(step)
        self.console.print(f"{name} ...")
        start = time.monotonic()
        try:
            yield step
        finally:
            step.seconds = time.monotonic() - start
        self.console.print(f"  {step.seconds:.1f} s: {step.outcome}")

    def table(self) -> Table:
        table = Table("step", "seconds", "outcome")
        for step in self.all:
            table.add_row(step.name, f"{step.seconds:.1f}", step.outcome)
        total = sum(step.seconds for step in self.all)
        table.add_section()
        table.add_row("all", f"{total:.1f}", "")
        return table
