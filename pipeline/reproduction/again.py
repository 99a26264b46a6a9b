"""Makes a run again from what it was made of, and compares both step by step."""

import json
from pathlib import Path
from typing import Any

from pipeline.errors import RunError
from pipeline.experiments import trials
from pipeline.lineage.local_store import LocalStore, folders_of
from pipeline.reproduction import comparison, materials, workspace
from pipeline.reproduction.comparison import Folders
from pipeline.reproduction.origin import Origin
from pipeline.reproduction.verdict import Verdict
from pipeline.reproduction.workspace import Workspace
from settings import MODELS

Json = dict[str, Any]


def check(asked: Origin, runs: Path) -> Folders:
    """The folders of the run's outputs; raises RunError naming each thing that is gone."""
    problems = []
    folders: Folders = {}
    try:
        folders = folders_of(LocalStore(runs / "store" / asked.model), asked.run)
    except RunError as error:
        problems.append(str(error))
    problems += materials.gone(asked, folders)
    if problems:
        raise RunError(f"{asked.run} cannot be made again: {'; '.join(problems)}")
    return folders


def make(asked: Origin, folders: Folders, *, rehearse: bool) -> Verdict:
    """The verdict on a run that is made again; with `rehearse` through the compiled job."""
    with workspace.of(asked.revision) as place:
        _prepare(asked, place)
        if rehearse:
            from pipeline.reproduction import rehearsed

            return _verdict(asked, folders, *rehearsed.run(asked, place))
        summary = _run(asked, place)
        store = LocalStore(place.runs / "store" / asked.model)
        return _verdict(asked, folders, folders_of(store, summary["run"]), summary)


def _prepare(asked: Origin, place: Workspace) -> None:
    """Give the files what git does not hold: rows outside of it, found hyperparameters."""
    folder = place.files / "models" / asked.model
    folder_here = MODELS / asked.model
    source_here = materials.source_of(folder_here)
    if source_here is not None and source_here.is_relative_to(folder_here):
        place_of_rows = source_here.relative_to(folder_here)
        workspace.copy_missing(source_here, folder / place_of_rows)
    source = materials.source_of(folder)
    problem = materials.data_problem(asked, source) if source else None
    if problem is not None:
        raise RunError(f"{asked.run} cannot be made again: {problem}")
    if not asked.changes:
        workspace.use_hyperparameters(folder, asked.hyperparameters)


def _run(asked: Origin, place: Workspace) -> Json:
    options = ["--runs", str(place.runs), "--json"]
    if asked.until:
        options += ["--until", asked.until]
    options += [f"--set={text}" for text in trials.texts(asked.changes)]
    flags = asked.flags
    output = place.python("-m", "pipeline", "run", asked.model, *options, flags=flags)
    summary: Json = json.loads(output)
    if summary["error"]:
        raise RunError(f"{asked.run} cannot be made again: {summary['error']}")
    return summary


def _verdict(asked: Origin, old: Folders, new: Folders, new_summary: Json) -> Verdict:
    compared = comparison.steps_of(old, new, asked.summary, new_summary)
    notes = list(comparison.notes(asked.summary, new_summary))
    if asked.trained != asked.run:
        notes.append(f"its model was taken from the cache, {asked.trained} had trained it")
    return Verdict(asked.run, compared, notes, code=asked.revision)
