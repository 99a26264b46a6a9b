"""Finds a run's folder by its id, or by the beginning of one."""

import difflib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipeline.errors import ConfigurationError, RunError
from pipeline.local import imported, pruned
from pipeline.places import shown

SUMMARY = "summary.json"
CURVES = "curves.json"
VERSION = 1  # of a summary; one from before has none
FIELDS = {"run": str, "model": str, "records": dict}  # without which nothing can be said of a run


def folder(runs: Path, name: str) -> Path:
    """The one run whose id begins with `name`; raises ConfigurationError for none and for several.

    All of several are named, and of none the nearest; of a removed one, when that was.
    """
    names = sorted(file.parent.name for file in runs.glob(f"*/{SUMMARY}"))
    matches = [name] if name in names else [each for each in names if each.startswith(name)]
    match = only(name, matches)
    if match is None:
        pruned.refuse(runs, name)
        imported.refuse(runs, name)
        raise unknown(runs, name, names)
    return runs / match


def only(name: str, matches: Sequence[str]) -> str | None:
    """The one match, None without any; raises ConfigurationError for several, which it names.

    An empty name, with which every id begins, has none.
    """
    if not name:
        return None
    if len(matches) > 1:
        allowed = ", ".join(matches)
        raise ConfigurationError(f"the run {name!r} is ambiguous, allowed is one of {allowed}")
    return matches[0] if matches else None


def unknown(runs: Path, name: str, names: Sequence[str]) -> ConfigurationError:
    """The error of a name that no run has, with the nearest of those that runs have."""
    nearest = difflib.get_close_matches(name, names, n=3, cutoff=0.4) or names[-3:]
    allowed = f"the nearest are {', '.join(nearest)}" if nearest else "there is none yet"
    return ConfigurationError(f"there is no run {name!r} in {shown(runs)}: {allowed}")


def summary(run: Path) -> dict[str, Any]:
    """The run's summary; raises RunError for a damaged one."""
    file = run / SUMMARY
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise RunError(f"{file}: no summary ({error!r:.100})") from error
    summary: dict[str, Any] = document if isinstance(document, dict) else {}
    for name, kind in FIELDS.items():
        if not isinstance(summary.get(name), kind):
            raise RunError(f"{file}: no summary, it has no {name}")
    problem = newer(summary)
    if problem:
        raise RunError(f"{file}: {problem}")
    return summary


def newer(summary: dict[str, Any]) -> str | None:
    """Why only a newer checkout can read the summary, None where this one can."""
    version = summary.get("version", VERSION)
    if isinstance(version, int) and version <= VERSION:
        return None
    return f"its version is {version!r:.20}, this checkout reads up to {VERSION}"
