"""The runs that were removed, in one file beside the others: it outlives them.

It is written before anything of a run is removed, and so is the journal of an interrupted removal.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import ConfigurationError, RunError
from pipeline.local.store import write
from pipeline.places import shown

NAME = "pruned.json"
VERSION = 1  # of the file
PLANNED = "planned"  # nothing is removed yet but, in one transaction, the metadata
BEGUN = "begun"
DONE = "done"
MOST = 3  # runs that a sentence names


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One removed run, or one whose removal is not at its end.

    `folders` are those of its artifacts and modules, below the folder of runs; none once it is
    done. `in_metadata` says whether ML Metadata knew the run.
    """

    model: str
    date: str  # ISO 8601
    state: str = DONE
    folders: tuple[str, ...] = ()
    in_metadata: bool = False


Entries = Mapping[str, Entry]  # by the run's id


def read(runs: Path) -> dict[str, Entry]:
    """The removed runs; raises RunError for a file that is damaged or of a newer checkout."""
    file = runs / NAME
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
        version = document["version"]
        if version == VERSION:
            return {_name(run): _decoded(fields) for run, fields in document["runs"].items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise RunError(
            f"{shown(file)} is damaged ({error!r:.80}): it lists the removed runs, "
            "move it away to begin another list"
        ) from error
    raise RunError(f"{shown(file)} is of version {version!r:.20}, this checkout reads {VERSION}")


def _decoded(fields: Mapping[str, Any]) -> Entry:
    folders = tuple(fields.get("folders", ()))
    entry = Entry(**{**fields, "folders": folders})
    _name(entry.model)
    return entry


def _name(text: str) -> str:
    """The name of a folder; raises ValueError for a path."""
    if text in ("", ".", "..") or Path(text).name != text:
        raise ValueError(f"{text!r:.80} is no folder's name")
    return text


def keep(runs: Path, entries: Entries) -> None:
    """Replace the list."""
    documents = {run: _encoded(entry) for run, entry in sorted(entries.items())}
    text = json.dumps({"version": VERSION, "runs": documents}, indent=1)
    write(runs / NAME, f"{text}\n")


def _encoded(entry: Entry) -> dict[str, Any]:
    """The entry without what one that is done has not."""
    if entry.state == DONE:
        return {"model": entry.model, "date": entry.date}
    return asdict(entry)


def refuse(runs: Path, name: str) -> None:
    """Raise ConfigurationError where the name is a removed run's id, or the beginning of some."""
    sentence = told(runs, name)
    if sentence:
        raise ConfigurationError(sentence)


def told(runs: Path, name: str) -> str | None:
    """What became of the removed runs of this name; None where none of them has it."""
    try:
        entries = read(runs)
    except RunError:
        return None
    matches = [name] if name in entries else sorted(run for run in entries if run.startswith(name))
    if not name or not matches:
        return None
    named = [f"the run {run} was pruned on {entries[run].date}" for run in matches[:MOST]]
    more = f", and {len(matches) - MOST} more" if len(matches) > MOST else ""
    return f"{', '.join(named)}{more}: it is not here any more"
