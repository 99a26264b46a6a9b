"""Files environments.py that somebody may write, asked by the lightest command that reads them."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from random import Random

from settings import REPOSITORY
from tests.hostile.case import Case, Outcome
from tests.team import TEAM

PLAIN = (TEAM / "environments.py").read_text()
VALUE = re.compile(r"(\w+)=([^,()\n]+)(?=[,)])")
VALUES = (
    *("0", "-1", "2**31", "2**63", "10**30", "10**5000", "float('nan')", "float('inf')", "1e400"),
    *("True", "None", "()", "[]", "{}", "(1, '2')", "('a',)", "(1.5, 100)", "object()", "b'x'"),
    *("''", "'a'", "'x' * 5000", "'é'", "'a\\nb'", "'\\0'", "'\\ud800'", "'1'", "lambda: 1", "..."),
    *("(5,) * 5000", "[1] * 10**6", "1 / 0", "undefined", "int('9' * 5000)", "range(9)", "1j"),
)
MODULES = (
    *("", "\0", "ENVIRONMENTS = {}", "ENVIRONMENTS = 5", "ENVIRONMENTS = {'dev': 5}", "def"),
    *("ENVIRONMENTS = {'dev': None}", "raise ValueError('x' * 5000)", "import no_such_module"),
    *("raise RecursionError", "from settings.stages import by_stage\nby_stage(5)", "1 / 0"),
    *("def f():\n f()\nf()", "from settings.stages import by_stage\nENVIRONMENTS = by_stage()"),
    "# -*- coding: no-such -*-\n",
    "(" * 500,
)
STAGE_ARGUMENTS = ("unknown=1", "stage='dev'", "project_number='1'", "monthly_budget=10**20")


def cases(random: Random) -> Iterator[Case]:
    while True:
        change = random.choice(CHANGES)
        name, content = change(random)
        yield Case(repr(name[:60]), partial(_read, content))


def _read(content: bytes, scratch: Path) -> Outcome:
    (scratch / "environments.py").write_bytes(content)
    process = subprocess.run(
        [sys.executable, "-m", "infra.stage_order"],
        cwd=scratch,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        errors="replace",
        timeout=60,
    )
    return Outcome(process.returncode, process.stderr)


def _value(random: Random) -> tuple[str, bytes]:
    """Another value for an argument."""
    match = random.choice(list(VALUE.finditer(PLAIN)))
    argument = f"{match[1]}={random.choice(VALUES)}"
    text = f"{PLAIN[: match.start()]}{argument}{PLAIN[match.end() :]}"
    return argument, text.encode()


def _argument(random: Random) -> tuple[str, bytes]:
    """One argument more for a stage."""
    argument = random.choice(STAGE_ARGUMENTS)
    text = PLAIN.replace("Settings(\n", f"Settings(\n    {argument},\n", 1)
    return argument, text.encode()


def _line(random: Random) -> tuple[str, bytes]:
    """A line left out, or written twice."""
    lines = PLAIN.splitlines(keepends=True)
    place = random.randrange(len(lines))
    copies = random.choice((0, 2))
    lines[place : place + 1] = lines[place : place + 1] * copies
    return f"line {place}, {copies} times", "".join(lines).encode()


def _module(random: Random) -> tuple[str, bytes]:
    """Another module altogether."""
    text = random.choice(MODULES)
    return text, text.encode()


def _encoding(random: Random) -> tuple[str, bytes]:
    """Other bytes than those of UTF-8."""
    encoding = random.choice(("latin-1", "utf-16", "utf-8-sig", "utf-32"))
    text = PLAIN.replace("loom@mill.example", f"é{random.randrange(1000)}@mill.example")
    return encoding, text.encode(encoding)


CHANGES = (_value, _value, _value, _value, _argument, _line, _module, _encoding)
