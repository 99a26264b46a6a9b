"""A piece of work that is killed at one of its steps.

A step is what Python's auditing tells of a change:
https://docs.python.org/3/library/audit_events.html
"""

import os
import signal
import sys
from collections.abc import Callable, Collection
from typing import Any


def finishes(work: Callable[[], object], steps: Collection[str], at: int | None = None) -> bool:
    """Do the work in a process of its own, killed at a step; whether it came to its end."""
    process = os.fork()
    if not process:
        if at is not None:
            _kill_at(at, steps)
        work()
        os._exit(0)
    _, status = os.waitpid(process, 0)
    return os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0


def _kill_at(number: int, steps: Collection[str]) -> None:
    count = 0

    def hook(event: str, _: Any) -> None:
        nonlocal count
        count += event in steps
        if count == number:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
