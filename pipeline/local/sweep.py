"""Runs one model several times in turn, each in a fork of a process that holds the libraries.

A fork begins as a fresh process would: nothing of the run before is left in it.
"""

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from pipeline.experiments.trials import Trial
from pipeline.job import startup

INTERRUPTED = 130
SIGNALS = (signal.SIGINT, signal.SIGTERM)
Json = dict[str, Any]


class Ended(NamedTuple):
    trial: Trial
    code: int  # the exit code that a single run would have, or minus a signal's number
    summary: Json | None  # None for a run that has none


def run_in_turn(
    trials: Sequence[Trial], run_once: Callable[[Trial], tuple[int, Json]]
) -> Iterator[Ended]:
    """Each run as soon as it has ended; after Ctrl-C or SIGTERM, which end it, no other begins."""
    startup.load()
    from pipeline.local import runs  # noqa: F401 - for the forks

    with _Signals() as signals:
        for trial in trials:
            ended = _forked(trial, run_once, signals)
            yield ended
            if signals.numbers or ended.code == INTERRUPTED:
                return


class _Signals:
    """What this process is told meanwhile; SIGTERM, which it alone hears, is handed to the fork."""

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self.process = 0  # of the fork
        self.handlers: dict[int, Any] = {}

    def __enter__(self) -> "_Signals":
        for number in SIGNALS:
            self.handlers[number] = signal.signal(number, self._hear)
        return self

    def __exit__(self, *_: object) -> None:
        self.restore()

    def restore(self) -> None:
        for number, handler in self.handlers.items():
            signal.signal(number, handler)

    def _hear(self, number: int, _: object) -> None:
        self.numbers.append(number)
        if number == signal.SIGTERM and self.process:
            os.kill(self.process, number)


def _forked(
    trial: Trial, run_once: Callable[[Trial], tuple[int, Json]], signals: _Signals
) -> Ended:
    sys.stdout.flush()
    sys.stderr.flush()
    read_end, write_end = os.pipe()
    # A signal between the fork and its own handlers would be lost on it.
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    process = os.fork()
    if not process:
        os.close(read_end)
        signals.restore()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        os._exit(_child(trial, run_once, write_end))  # taking TensorFlow apart takes two seconds
    signals.process = process
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    os.close(write_end)
    with os.fdopen(read_end, "rb") as output:
        content = output.read()
    _, status = os.waitpid(process, 0)
    signals.process = 0
    return Ended(trial, os.waitstatus_to_exitcode(status), _summary(content))


def _summary(content: bytes) -> Json | None:
    """What the fork has written; a killed one nothing, or a part."""
    try:
        summary: Json = json.loads(content)
    except ValueError:
        return None
    return summary


def _child(trial: Trial, run_once: Callable[[Trial], tuple[int, Json]], write_end: int) -> int:
    try:
        code, summary = run_once(trial)
        with os.fdopen(write_end, "w", encoding="utf-8") as output:
            json.dump(summary, output)
    except KeyboardInterrupt:
        code = INTERRUPTED
    except BaseException as error:
        print(f"python -m pipeline run: {error}", file=sys.stderr)
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    return code
