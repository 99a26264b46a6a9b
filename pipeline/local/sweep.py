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
Json = dict[str, Any]


class Ended(NamedTuple):
    trial: Trial
    code: int  # the exit code that a single run would have
    summary: Json | None  # None for a run that has none


def run_in_turn(
    trials: Sequence[Trial], run_once: Callable[[Trial], tuple[int, Json]]
) -> Iterator[Ended]:
    """Each run as soon as it has ended; after Ctrl-C, which ends the current one, no other begins.

    `run_once` is called in the fork and raises nothing but KeyboardInterrupt.
    """
    startup.load()
    from pipeline.local import runs  # noqa: F401 - for the forks

    interrupts: list[int] = []
    handler = signal.signal(signal.SIGINT, lambda number, _: interrupts.append(number))
    try:
        for trial in trials:
            ended = _forked(trial, run_once, handler)
            yield ended
            if interrupts or ended.code == INTERRUPTED:
                return
    finally:
        signal.signal(signal.SIGINT, handler)


def _forked(trial: Trial, run_once: Callable[[Trial], tuple[int, Json]], handler: Any) -> Ended:
    sys.stdout.flush()
    sys.stderr.flush()
    read_end, write_end = os.pipe()
    process = os.fork()
    if not process:
        os.close(read_end)
        signal.signal(signal.SIGINT, handler)
        os._exit(_child(trial, run_once, write_end))  # taking TensorFlow apart takes two seconds
    os.close(write_end)
    with os.fdopen(read_end, encoding="utf-8") as output:
        text = output.read()
    _, status = os.waitpid(process, 0)
    return Ended(trial, os.waitstatus_to_exitcode(status), json.loads(text) if text else None)


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
