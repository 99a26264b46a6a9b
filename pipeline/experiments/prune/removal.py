"""Removes the planned runs of each model, or says which would go.

What is to go is first written into the list of removed runs. Then ML Metadata loses it in one
transaction, after which no run can use it from the cache; then go files, rows and refs. A removal
that was killed is finished by the next one, and one that had not begun is planned again.
"""

import contextlib
import fcntl
import os
import shutil
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from pipeline import places
from pipeline.errors import RunError
from pipeline.experiments import index, local
from pipeline.experiments.prune import facts, graph, metadata, tracker
from pipeline.experiments.prune import plan as plans
from pipeline.experiments.prune.facts import Facts
from pipeline.experiments.prune.plan import Going, Plan, Rules
from pipeline.local import pruned
from pipeline.local.pruned import BEGUN, DONE, PLANNED, Entry
from pipeline.local.store import locked_store
from pipeline.provenance import kept_tree
from pipeline.tracking import outbox
from settings import REPOSITORY

REFUSED = "its model's runs cannot be removed now"
OUR_FOLDERS = ("store", tracker.FILES)
Entries = Mapping[str, Entry]


@dataclass
class Outcome:
    """What goes or went, what stays and why."""

    going: list[Going] = field(default_factory=list)
    spared: dict[str, list[str]] = field(default_factory=dict)
    unfinished: list[str] = field(default_factory=list)  # of an earlier removal, finished by --yes
    problems: list[str] = field(default_factory=list)  # of runs that can't be read
    refusals: list[str] = field(default_factory=list)  # of models, a sentence each

    def add(self, plan: Plan) -> None:
        self.going += plan.going
        self.spared |= plan.spared

    def refuse(self, error: RunError, runs: list[Facts]) -> None:
        self.refusals.append(str(error))
        self.spared |= {each.run: [REFUSED] for each in runs}


def models(runs: Path) -> list[str]:
    """The models that have a run here, or one that is half removed."""
    names = {each.model for each in facts.all_of(runs) if each.model}
    return sorted(names | {entry.model for entry in _unfinished(runs).values()})


def look(runs: Path, rules: Rules, model: str | None = None) -> Outcome:
    """What `remove` would do; nothing is changed."""
    unfinished = _unfinished(runs)
    outcome = Outcome(unfinished=sorted(unfinished))
    begun = {run for run, entry in unfinished.items() if entry.state == BEGUN}
    for name, group in _by_model(runs, model, outcome).items():
        store = runs / "store" / name
        whole = [each for each in group if each.run not in begun]
        try:
            if local.is_locked(store):
                raise RunError(f"{store}: a process is running this model; wait for it, or end it")
            outcome.add(plans.plan(runs, name, whole, rules))
        except RunError as error:
            outcome.refuse(error, whole)
    return outcome


def remove(
    runs: Path, rules: Rules, model: str | None = None, repository: Path = REPOSITORY
) -> Outcome:
    """Remove the runs that may go; a model that can't be worked on now is left as it is."""
    outcome = Outcome()
    with _alone(runs):
        groups = _by_model(runs, model, outcome)
        for name, group in groups.items():
            try:
                with _locked(runs / "store" / name):
                    outcome.unfinished += _finish(runs, name, repository)
                    group = [facts.of(runs, each.run) for each in group if _is_here(runs, each)]
                    plan = plans.plan(runs, name, group, rules)
                    _remove(runs, name, plan.going, rules, repository)
                outcome.add(plan)
            except RunError as error:
                outcome.refuse(error, group)
    return outcome


def _by_model(runs: Path, model: str | None, outcome: Outcome) -> dict[str, list[Facts]]:
    """The runs of each model; those of none are spared, and what can't be read is told."""
    groups: dict[str, list[Facts]] = defaultdict(list)
    for entry in _unfinished(runs).values():
        groups[entry.model] = []
    for each in facts.all_of(runs):
        if model not in (None, each.model):
            continue
        if each.problem:
            outcome.problems.append(each.problem)
        if each.model is None:
            outcome.spared[each.run] = [plans.UNREADABLE]
        else:
            groups[each.model].append(each)
    return {name: groups[name] for name in sorted(groups) if model in (None, name)}


def _unfinished(runs: Path) -> dict[str, Entry]:
    return {run: entry for run, entry in pruned.read(runs).items() if entry.state != DONE}


def _is_here(runs: Path, run: Facts) -> bool:
    return (runs / run.run).is_dir()


@contextlib.contextmanager
def _alone(runs: Path) -> Iterator[None]:
    """Keep a second removal out: both would write the list."""
    folder = os.open(runs, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise RunError(
            f"{places.shown(runs)}: another `runs prune` works here; wait for it, or end it"
        ) from error
    finally:
        os.close(folder)


@contextlib.contextmanager
def _locked(store: Path) -> Iterator[None]:
    """Keep the model's runs out; one without a store gets none from here."""
    if not store.is_dir():
        yield
        return
    with locked_store(store):
        yield


def _finish(runs: Path, model: str, repository: Path) -> list[str]:
    """Finish what an earlier removal has begun, and return its runs."""
    unfinished = {run: each for run, each in _unfinished(runs).items() if each.model == model}
    if not unfinished:
        return []
    recorded = set(graph.Graph(runs / "store" / model).order)
    begun = {run: each for run, each in unfinished.items() if _has_begun(run, each, recorded)}
    entries = pruned.read(runs)
    pruned.keep(runs, {run: each for run, each in entries.items() if run not in unfinished} | begun)
    _clear(runs, model, begun, repository)
    return sorted(begun)


def _has_begun(run: str, entry: Entry, recorded: set[str]) -> bool:
    return entry.state == BEGUN or (entry.in_metadata and run not in recorded)


def _remove(runs: Path, model: str, going: list[Going], rules: Rules, repository: Path) -> None:
    if not going:
        return
    day = rules.now.date().isoformat()
    entries = {}
    for each in going:
        entries[each.run] = Entry(
            model=model,
            date=day,
            state=PLANNED,
            folders=tuple(each.folders),
            in_metadata=each.in_metadata,
        )
    pruned.keep(runs, pruned.read(runs) | entries)
    metadata.remove(
        runs / "store" / model, [run for run, entry in entries.items() if entry.in_metadata]
    )
    _clear(runs, model, entries, repository)


def _clear(runs: Path, model: str, entries: Entries, repository: Path) -> None:
    """Remove all of the runs that lies outside of ML Metadata."""
    if not entries:
        return
    begun = {run: replace(entry, state=BEGUN) for run, entry in entries.items()}
    pruned.keep(runs, pruned.read(runs) | begun)
    used = graph.used(runs / "store" / model)
    for run, entry in entries.items():
        for folder in entry.folders:
            _delete_folder(runs, folder, used)
        _delete(runs / run)
        outbox.drop(runs, run)
    tracker.remove(runs, entries.keys())
    _forget_files(repository, entries)
    index.forget(runs, entries)
    done = {run: Entry(model=model, date=entry.date) for run, entry in entries.items()}
    pruned.keep(runs, pruned.read(runs) | done)


def _delete_folder(runs: Path, folder: str, used: set[str]) -> None:
    """Remove a folder of the list, unless the metadata name it again."""
    place = PurePosixPath(folder)
    first, *others = place.parts
    if first not in OUR_FOLDERS or not others or ".." in others:
        raise RunError(f"{pruned.NAME} names {places.shown(folder)}, which is no folder of a run")
    if not used & {str(runs / place), place.name}:
        _delete(runs / place)


def _delete(path: Path) -> None:
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        file = error.filename or path
        raise RunError(
            f"{places.shown(str(file))} cannot be removed ({error.strerror}): "
            "the same command finishes it"
        ) from error


def _forget_files(repository: Path, entries: Entries) -> None:
    """Remove the refs of the runs; a folder that is no repository has none."""
    if (repository / ".git").exists():
        kept_tree.forget(repository, entries)
