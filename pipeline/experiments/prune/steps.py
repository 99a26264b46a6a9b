"""Removes the planned runs of one model, so that a kill at any point can be finished.

What is to go is first written into the list of removed runs. Then ML Metadata loses it in one
transaction: from then on no run can take it from the cache. Then go files, rows and refs.
"""

import shutil
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path, PurePosixPath

from pipeline import manifest, places
from pipeline.errors import RunError
from pipeline.experiments import index
from pipeline.experiments.prune import graph, metadata, tracker
from pipeline.experiments.prune.graph import Graph, Used
from pipeline.experiments.prune.plan import Going
from pipeline.local import pruned
from pipeline.local.pruned import BEGUN, DONE, PLANNED, Entry
from pipeline.provenance import kept_tree
from pipeline.tracking import outbox

OUR_FOLDERS = ("store", tracker.FILES)
Entries = Mapping[str, Entry]


def unfinished(runs: Path) -> dict[str, Entry]:
    """The runs whose removal is not at its end, of all models."""
    entries = pruned.read(runs)
    return {run: entry for run, entry in entries.items() if entry.state != DONE}


def finish(runs: Path, model: str, repository: Path) -> list[str]:
    """Finish what an earlier removal has begun, and return its runs.

    What had not begun is forgotten: it is planned again, since another run may use it now.
    """
    own = {}
    for run, entry in unfinished(runs).items():
        if entry.model == model:
            own[run] = entry
    if not own:
        return []
    begun = _begun(runs, model, own)
    entries = pruned.read(runs)
    for run in own:
        del entries[run]
    entries |= begun
    pruned.keep(runs, entries)
    _clear(runs, model, begun, repository)
    return sorted(begun)


def _begun(runs: Path, model: str, entries: Entries) -> dict[str, Entry]:
    """Those that the metadata have lost, which is where a removal begins."""
    recorded = Graph(_store(runs, model)).order
    begun = {}
    for run, entry in entries.items():
        is_lost = entry.in_metadata and run not in recorded
        if is_lost or entry.state == BEGUN:
            begun[run] = replace(entry, state=BEGUN)
    return begun


def _store(runs: Path, model: str) -> Path:
    return runs / "store" / model


def remove(runs: Path, model: str, going: list[Going], day: date, repository: Path) -> None:
    store = _store(runs, model)
    planned = {each.run: _planned(each, day) for each in going}
    entries = pruned.read(runs)
    entries |= planned
    pruned.keep(runs, entries)
    metadata.remove(store, planned)
    for run, entry in planned.items():
        entries[run] = replace(entry, state=BEGUN)
    pruned.keep(runs, entries)
    _clear(runs, model, planned, repository)


def _planned(going: Going, day: date) -> Entry:
    return Entry(
        model=going.model,
        date=day.isoformat(),
        state=PLANNED,
        folders=tuple(going.folders),
        in_metadata=going.in_metadata,
    )


def _clear(runs: Path, model: str, entries: Entries, repository: Path) -> None:
    """Remove all of the runs that lies outside of ML Metadata."""
    store = _store(runs, model)
    used = graph.used(store)
    for run, entry in entries.items():
        for folder in entry.folders:
            _delete_own(runs, folder, used)
        _delete(runs / run)
        outbox.drop(runs, run)
    tracker.remove(runs, entries)
    _forget(repository, entries)
    index.forget(runs, entries)
    all_entries = pruned.read(runs)
    for run, entry in entries.items():
        all_entries[run] = Entry(model=model, date=entry.date)
    pruned.keep(runs, all_entries)


def _forget(repository: Path, runs: Collection[str]) -> None:
    """Remove the runs' refs; a folder that is no repository has none."""
    if (repository / ".git").exists():
        kept_tree.forget(repository, runs)


def _delete_own(runs: Path, folder: str, used: Used) -> None:
    """Remove a folder of the list, unless the metadata name it by now."""
    _refuse_foreign(folder)
    path = runs / folder
    artifact = path.with_name(path.name.removesuffix(manifest.SUFFIX))
    is_used = str(artifact) in used.addresses
    if path.parent.name == graph.MODULES:
        is_used = path.name in used.modules
    if not is_used:
        _delete(path)


def _refuse_foreign(folder: str) -> None:
    first, *below = PurePosixPath(folder).parts
    is_ours = first in OUR_FOLDERS and below
    if not is_ours or ".." in below:
        raise RunError(f"{pruned.NAME} names {places.shown(folder)}, which is no folder of a run")


def _delete(path: Path) -> None:
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        file = str(error.filename or path)
        raise RunError(
            f"{places.shown(file)} cannot be removed ({error.strerror}): "
            "the same command finishes it"
        ) from error
