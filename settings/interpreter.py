"""Refuses, at its import, a Python or a clone unfit for this code.

Any Python 3 parses it, and each command imports it before anything newer.
"""

import sys
from pathlib import Path

OLDEST = (3, 11)  # build/environment, which stands alone, says the same
NEWLINES = (
    "this clone has CRLF line ends, as core.autocrlf makes them, allowed is LF: "
    "`git add --renormalize . && git read-tree $(git write-tree) "
    "&& git checkout-index --all --force` makes them so"
)


def problem(version: "tuple[int, ...]", content: bytes) -> "str | None":
    """Return one sentence on a Python's version or this clone's line ends, or None."""
    if version < OLDEST:
        numbers = ".".join(map(str, version))
        oldest = ".".join(map(str, OLDEST))
        return f"{sys.executable} is Python {numbers}, allowed is {oldest} or newer"
    return NEWLINES if b"\r\n" in content else None


def missing_module(error: ImportError, venv: str) -> str:
    """Return one sentence on a module missing here and present in the venv."""
    return (
        f"there is no module {error.name!r} in {sys.executable}, "
        f"allowed is the {venv} venv's Python: "
        f"`python3 build/environment {venv} python ...` runs it"
    )


_problem = problem(sys.version_info[:3], Path(__file__).read_bytes())
if _problem:
    print(_problem, file=sys.stderr)
    raise SystemExit(2)
