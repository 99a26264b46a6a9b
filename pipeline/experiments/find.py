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
    folders = list(local.folders(runs))
    exact = [folder for folder in folders if name in (folder, _id(folder))]
    return exact or [folder for folder in folders if _begins(folder, name)]


def _begins(folder: str, name: str) -> bool:
    starts = (folder.startswith(name), _id(folder).startswith(name))
    return bool(name) and any(starts)


def _id(folder: str) -> str:
    *_, id_ = folder.split("/")
    return id_
