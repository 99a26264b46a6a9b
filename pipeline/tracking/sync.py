"""Sends the runs of the outbox to their trackers."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.errors import RunError, UnreachableError
from pipeline.experiments import local
from pipeline.local.run_names import SUMMARY
from pipeline.progress import Observer, shown
from pipeline.tracking import outbox, sender

SECONDS = 300  # for a run; a single call that gets no answer ends before


@dataclass(frozen=True)
class Waiting:
    run: str
    tracker: str | None  # None where the entry is damaged
    reason: str


@dataclass
class Outcome:
    """The runs by what became of them; `gone` have no summary, and get none."""

    sent: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    waiting: list[Waiting] = field(default_factory=list)


def send_waiting(runs: Path, observer: Observer) -> Outcome:
    """Send every run that waits; a tracker that is down is asked once.

    The observer is told of each run.
    """
    outcome = Outcome()
    entries: dict[str, list[str]] = {}  # a tracker's address -> runs
    for entry in _entries(runs, outcome):
        entries.setdefault(entry.tracker, []).append(entry.run)
    for tracker, names in entries.items():
        with sender.started(runs, tracker) as process:
            _send(process, names, observer, outcome)
    return outcome


def _entries(runs: Path, outcome: Outcome) -> Iterator[outbox.Entry]:
    """The entries of runs that have ended."""
    for run in outbox.names(runs):
        is_running = local.is_running(runs, run)  # asked first: it may end meanwhile
        if (runs / run / SUMMARY).exists():
            try:
                entry = outbox.read(runs, run)
            except RunError as error:
                outcome.waiting.append(Waiting(run, None, str(error)))
                continue
            if entry:
                yield entry
        elif not is_running:
            outbox.drop(runs, run)
            outcome.gone.append(run)


def _send(
    process: sender.Sender, names: Iterable[str], observer: Observer, outcome: Outcome
) -> None:
    reason = None
    for run in names:
        if reason is None:
            try:
                with shown(observer, run):
                    process.send(run, SECONDS)
                outcome.sent.append(run)
                continue
            except UnreachableError as error:
                reason = str(error)
            except RunError as error:
                outcome.waiting.append(Waiting(run, process.address, str(error)))
                continue
        outcome.waiting.append(Waiting(run, process.address, reason))
