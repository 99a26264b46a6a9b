"""Starts the program that sends runs to a tracker, and waits for it only so long.

A tracker that is down, slow or dead costs a warning, never a run: the run waits in the outbox.
"""

import contextlib
import json
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import RunError, UnreachableError
from pipeline.tracking import outbox
from pipeline.tracking.address import HERE
from settings import REPOSITORY

PROGRAM = "pipeline.tracking.program"
RUN_SECONDS = 4  # of the 5 by which a tracker may delay a run's end
END_SECONDS = 0.5  # for a process that is ending
LATER = "`python3 -m pipeline runs sync` sends it later"


@dataclass
class Sender:
    runs: Path
    address: str
    process: subprocess.Popen[bytes]
    problem: str | None = None  # why the run can't wait in the outbox

    def announce(self, run: str) -> None:
        """Have the run wait in the outbox, before it ends."""
        try:
            outbox.put(self.runs, outbox.Entry(run, self.address))
        except RunError as error:
            self.problem = str(error)

    def hand_over(self, run: str) -> str | None:
        """Send the announced run; return a sentence where the tracker did not take it.

        The libraries' own words go to standard error, which is the run's log.
        """
        tracker = "the tracker" if self.address == HERE else f"the tracker {self.address}"
        if self.problem:
            return f"{tracker} did not take this run: {self.problem}"
        try:
            self.send(run, RUN_SECONDS)
        except RunError as error:
            sys.stderr.writelines(getattr(error, "__notes__", ()))
            return f"{tracker} did not take this run: {error}; {LATER}"
        return None

    def send(self, run: str, seconds: float) -> bool:
        """Send a run of the outbox; False where another process has sent it meanwhile.

        Raises UnreachableError for a tracker that takes none now, and RunError where it does not
        take this one. The error has the libraries' own words as a note.
        """
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(f"{run}\n".encode())  # type: ignore[union-attr]
            self.process.stdin.flush()  # type: ignore[union-attr]
        answer = self._answer(seconds)
        if "problem" in answer:
            kind = UnreachableError if answer["is_down"] else RunError
            refusal = kind(answer["problem"])
            refusal.add_note(answer["details"])
            raise refusal
        return bool(answer["is_sent"])

    def _answer(self, seconds: float) -> dict[str, Any]:
        try:
            line = self._line(time.monotonic() + seconds)
        except TimeoutError as error:
            self._kill()
            raise UnreachableError(f"no answer within {seconds} s") from error
        if line.endswith(b"\n"):
            answer: dict[str, Any] = json.loads(line)
            return answer
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(END_SECONDS)
        self._kill()
        raise UnreachableError(f"exit {self.process.returncode} without a message")

    def _line(self, deadline: float) -> bytes:
        """The next line of the program, cut off where it ends; raises TimeoutError."""
        output = self.process.stdout.fileno()  # type: ignore[union-attr]
        line = b""
        with selectors.DefaultSelector() as selector:
            selector.register(output, selectors.EVENT_READ)
            while not line.endswith(b"\n"):
                seconds = deadline - time.monotonic()
                if not selector.select(max(seconds, 0)):
                    raise TimeoutError
                part = os.read(output, 65536)
                if not part:
                    return line
                line += part
        return line

    def _kill(self) -> None:
        """End the process; one that waits for a dead disk is left to the kernel."""
        self.process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(END_SECONDS)


@contextlib.contextmanager
def started(runs: Path, address: str = HERE) -> Iterator[Sender]:
    """Start the program for the tracker at that address; HERE is `runs`/mlflow.db.

    `make experiments` opens that. It is a process, since an import beside TFX's nodes in theirs can
    wait for their module finder for ever. It has a session of its own, so that Ctrl-C cannot end it
    between two tables.
    """
    runs.mkdir(parents=True, exist_ok=True)
    process = subprocess.Popen(
        [sys.executable, "-m", PROGRAM, str(runs), address],
        env=os.environ | {"PYTHONPATH": str(REPOSITORY), "PYTHONUTF8": "1"},
        start_new_session=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield Sender(runs, address, process)
    finally:
        for pipe in (process.stdin, process.stdout):
            with contextlib.suppress(BrokenPipeError):
                pipe.close()  # type: ignore[union-attr]
