"""Keeps imported runs whole: a run is made aside, and takes its place at once.

What an interrupted import left is put in order by the next one. One process imports at a time.
"""

import contextlib
import fcntl
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from pipeline import places
from pipeline.errors import RunError
from pipeline.experiments import tags
from pipeline.experiments.imports import files
from pipeline.experiments.imports.schema import UNREADABLE
from pipeline.experiments.row import IMPORTED
from pipeline.local.run_names import SUMMARY

ASIDE = ".importing"  # below the folder of runs; no run has such a name
NEW, OLD = "new", "old"
SERIES, ATTRIBUTES, FILES = "series.parquet", "attributes.parquet", "files.json"
VERSION = 1  # of what is kept; a run of another one is imported again
Json = dict[str, Any]


@contextlib.contextmanager
def opened(runs: Path) -> Iterator[Path]:
    """The folder where runs are made, in which no other process works meanwhile."""
    aside = runs / ASIDE
    try:
        aside.mkdir(parents=True, exist_ok=True)
        with open(aside / ".lock", "a+", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _restore(runs)
            yield aside / NEW
    except BlockingIOError as error:
        raise RunError(f"{places.shown(runs)}: another import works here, wait for it") from error
    except OSError as error:
        raise places.cannot_be_written(aside, error) from error


def _restore(runs: Path) -> None:
    """Put a run back that was taken out and not replaced; remove what was not finished."""
    aside = runs / ASIDE
    old_runs = aside / OLD
    for old in sorted(old_runs.glob("*/*")):
        place = runs / IMPORTED / old.parent.name / old.name
        if not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            os.replace(old, place)
    for name in (NEW, OLD):
        remainder = aside / name
        if remainder.exists():
            shutil.rmtree(remainder)


def place(runs: Path, new: Path) -> Path:
    return runs / IMPORTED / new.parent.name / new.name


def put(runs: Path, new: Path) -> None:
    """Let the new folder take its place; the marks that were set since go with it."""
    target = place(runs, new)
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        old = runs / ASIDE / OLD / target.parent.name / target.name
        old.parent.mkdir(parents=True, exist_ok=True)
        os.replace(target, old)
        os.replace(new, target)
        shutil.rmtree(old)
    else:
        os.replace(new, target)


def kept_summary(folder: Path) -> Json | None:
    """The summary of a whole run of this version; None for any other."""
    try:
        text = (folder / SUMMARY).read_text(encoding="utf-8")
        summary: Json = json.loads(text)
        imported = summary["imported"]
        points = pq.read_metadata(folder / SERIES)
        attributes = pq.read_metadata(folder / ATTRIBUTES)
        taken = imported["counts"]["taken"]
        is_whole = points.num_rows + attributes.num_rows == sum(taken.values())
        is_current = imported["version"] == VERSION
        return summary if is_whole and is_current else None
    except (*UNREADABLE, KeyError, TypeError, AttributeError, RecursionError):
        return None


def files_are_as_they_were(folder: Path, source: Path) -> bool:
    """Whether the files that a run names are those that were copied, or still missing."""
    try:
        text = (folder / FILES).read_text(encoding="utf-8")
        stamps: Json = json.loads(text)
        copies = folder / files.PLACE
        for path, stamp in stamps.items():
            if files.stamp(path, source) != stamp:
                return False
            if not files.is_copied(path, source, copies):
                return False
        return True
    except (OSError, ValueError, AttributeError, RecursionError):
        return False


def merged_tags(folder: Path, summary: Json | None, imported: Iterable[str]) -> list[str]:
    """The run's tags with the changes that were made here.

    Raises RunError for damaged ones: nobody knows what they were.
    """
    current = tags.read(folder)
    before = summary["imported"]["tags"] if summary else []
    removed = set(before).difference(current)
    remaining = [name for name in imported if name not in removed]
    added = [name for name in current if name not in before]
    return [*remaining, *added]
