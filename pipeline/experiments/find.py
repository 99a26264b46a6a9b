"""Finds a run's folder by its id or the beginning of one, an imported run's too."""

import difflib
from pathlib import Path

from pipeline.errors import ConfigurationError
from pipeline.experiments import local
from pipeline.local import pruned
from pipeline.places import shown


def folder(runs: Path, name: str) -> Path:
    """The one run of that name; raises ConfigurationError for none and for several.

    A name is a run's id, its folder below `runs`, or the beginning of either. All of several are
    named, and of none the nearest; of a removed one, when that was.
    """
    possible = matches(runs, name)
    if not possible:
        pruned.refuse(runs, name)
        raise ConfigurationError(
            f"there is no run {name!r} in {shown(runs)}: {_nearest(runs, name)}"
        )
    if len(possible) > 1:
        allowed = ", ".join(possible)
        raise ConfigurationError(f"the run {name!r} is ambiguous, allowed is one of {allowed}")
    [only] = possible
    return runs / only


def _nearest(runs: Path, name: str) -> str:
    ids = [_id(folder) for folder in local.folders(runs)]
    close_ids = difflib.get_close_matches(name, ids, n=3, cutoff=0.4)
    nearest = ", ".join(close_ids or ids[-3:])
    return f"the nearest are {nearest}" if nearest else "there is none yet"


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
