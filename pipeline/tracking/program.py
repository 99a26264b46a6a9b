"""Sends runs to one tracker, in a process beside the run or the verb.

As a program it takes the folder of runs and a tracker's address, opens mlflow at once and then
takes a run's id a line. It answers each with a line of JSON: "is_sent" for a run that the tracker
has, false where another process sent it, else "problem", and "is_down" where the next one would
fare no better. It ends where its standard input does: with the run, however that ends.
"""

import json
import os
import signal
import sys
import traceback
from pathlib import Path
from typing import TextIO

from pipeline.errors import RunError, UnreachableError
from pipeline.experiments import tags
from pipeline.local import run_names
from pipeline.tracking import mlflow_client, outbox
from pipeline.tracking.address import HERE
from pipeline.tracking.mlflow_tracker import MlflowTracker, problem
from pipeline.tracking.tracker import Json, TrackedRun, Tracker, of_summary

# To open the tracker, and again to send a run. A process that hangs does not see that what started
# it is gone: it must not outlive that for ever.
LIFE_SECONDS = 300
REPORT = "report.html"


def main(folder: str, address: str) -> int:
    answers = _answers()
    runs = Path(folder)
    place = f"{runs / mlflow_client.DATABASE}: " if address == HERE else ""
    signal.alarm(LIFE_SECONDS)
    try:
        tracker = _opened(runs, address)
    except Exception as error:  # mlflow's, its database's or the system's
        _tell(answers, _refusal(problem(error), place))
        return 1
    signal.alarm(0)
    for line in sys.stdin:
        if line.endswith("\n"):  # half an id is of one that was killed
            signal.alarm(LIFE_SECONDS)
            _tell(answers, _sent(tracker, runs, line.strip(), place))
            signal.alarm(0)
    return 0


def _answers() -> TextIO:
    """Standard output for answers alone: what libraries print goes to standard error."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return answers


def _opened(runs: Path, address: str) -> Tracker:
    client = mlflow_client.opened(runs, address)
    return MlflowTracker(client, mlflow_client.artifact_location(runs, address))


def _sent(tracker: Tracker, runs: Path, run: str, place: str) -> Json:
    """Send the run that waits; return the answer."""
    try:
        with outbox.taken(runs, run) as is_waiting:
            if is_waiting:
                tracker.send(_tracked(runs / run))
    except Exception as error:
        return _refusal(error, place)
    return {"is_sent": is_waiting}


def _tracked(folder: Path) -> TrackedRun:
    """The run in its folder; raises RunError for a damaged one."""
    summary = run_names.summary(folder)
    files = [folder / name for name in (run_names.SUMMARY, REPORT)]
    try:
        return of_summary(
            summary, tags.read(folder), tuple(file for file in files if file.exists())
        )
    except RunError as error:
        raise RunError(f"{folder / run_names.SUMMARY}: {error}") from error


def _refusal(error: Exception, place: str) -> Json:
    """The answer of what was in the way; `place` is the database, of one that is down."""
    is_ours = isinstance(error, RunError)
    is_down = isinstance(error, UnreachableError)
    sentence = str(error) if is_ours else f"{type(error).__name__}: {error}"
    return {
        "problem": f"{place}{sentence}" if is_down else sentence,
        "is_down": is_down,
        "details": "".join(traceback.format_exception(error)),
    }


def _tell(answers: TextIO, answer: Json) -> None:
    answers.write(f"{json.dumps(answer)}\n")
    answers.flush()


if __name__ == "__main__":
    code = main(*sys.argv[1:])
    os._exit(code)  # taking mlflow apart again would take a second, for which the run would wait
