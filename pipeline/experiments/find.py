"""Finds a run's folder by its id or the beginning of one, an imported run's too."""

from pathlib import Path

from pipeline.experiments import local
from pipeline.local import pruned, run_names


def folder(runs: Path, name: str) -> Path:
    """The one run of that name; raises ConfigurationError for none and for several.

    A name is a run's id, its folder below `runs`, or the beginning of either. All of several are
    named, and of none the nearest; of a removed one, when that was.
    """
    match = run_names.only(name, matches(runs, name))
    if match is None:
        pruned.refuse(runs, name)
        ids = [_id(folder) for folder in local.folders(runs)]
        raise run_names.unknown(runs, name, ids)
    return runs / match


def matches(runs: Path, name: str) -> list[str]:
    """The folders below `runs` that the name may mean."""
    names = {folder: _names(folder) for folder in local.folders(runs)}
    exact = [folder for folder, pair in names.items() if name in pair]
    if exact or not name:
        return exact
    matches = []
    for folder, pair in names.items():
        if any(each.startswith(name) for each in pair):
            matches.append(folder)
    return matches


def _names(folder: str) -> tuple[str, str]:
    """What a run may be named by: its folder and its id."""
    id_ = _id(folder)
    return folder, id_


def _id(folder: str) -> str:
    *_, id_ = folder.split("/")
    return id_
