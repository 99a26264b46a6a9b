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
    if len(possible) == 1:
        return runs / possible[0]
    if possible:
        raise ConfigurationError(
            f"the run {name!r} is ambiguous, allowed is one of {', '.join(possible)}"
        )
    pruned.refuse(runs, name)
    folders = local.folders(runs)
    ids = [_names(each)[0] for each in folders]
    nearest = difflib.get_close_matches(name, ids, n=3, cutoff=0.4) or ids[-3:]
    allowed = f"the nearest are {', '.join(nearest)}" if nearest else "there is none yet"
    raise ConfigurationError(f"there is no run {name!r} in {shown(runs)}: {allowed}")


def matches(runs: Path, name: str) -> list[str]:
    """The folders below `runs` that the name may mean."""
    folders = list(local.folders(runs))
    exact = [each for each in folders if name in _names(each)]
    return exact or [each for each in folders if _begins(each, name)]


def _names(folder: str) -> tuple[str, str]:
    """The run's id, and its folder."""
    *_, id_ = folder.split("/")
    return id_, folder


def _begins(folder: str, name: str) -> bool:
    return bool(name) and any(each.startswith(name) for each in _names(folder))
