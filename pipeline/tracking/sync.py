"""Sends the runs of the outbox to their trackers."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pipeline import places
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
    """The runs by what became of them; `gone` have no summary, and get none.

    `unread` says why nobody knows what waits of a stage, by its name.
    """

    sent: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    waiting: list[Waiting] = field(default_factory=list)
    unread: dict[str, str] = field(default_factory=dict)


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
    """The entries of runs that have ended; those of runs that never will are dropped."""
    for run in outbox.names(runs):
        is_running = local.is_running(runs, run)  # asked first: it may end meanwhile
        try:
            if _has_summary(runs / run):
                entry = outbox.read(runs, run)
                if entry:
                    yield entry
            elif not is_running:
                outbox.drop(runs, run)
                outcome.gone.append(run)
        except RunError as error:
            outcome.waiting.append(Waiting(run, None, str(error)))


def _has_summary(folder: Path) -> bool:
    """Whether the run has come to its end; raises RunError where nobody can tell."""
    file = folder / SUMMARY
    try:
        file.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise RunError(f"{places.shown(file)}: cannot be read ({error.strerror})") from error
    return True


def _send(
    process: sender.Sender, names: Iterable[str], observer: Observer, outcome: Outcome
) -> None:
    reason = None
    for run in names:
        if reason is None:
            try:
                with shown(observer, run):
                    is_sent = process.send(run, SECONDS)
                if is_sent:
                    outcome.sent.append(run)
                continue
            except UnreachableError as error:
                reason = str(error)
            except RunError as error:
                outcome.waiting.append(Waiting(run, process.address, str(error)))
                continue
        outcome.waiting.append(Waiting(run, process.address, reason))
