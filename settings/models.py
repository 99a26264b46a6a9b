"""The rule for a model: a plain folder in models/ with a model.toml.

Git's tree and the file system are read into the same entries, and one rule judges both.
"""

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path, PurePosixPath
from typing import Literal

DECLARATION = "model.toml"
FILES = (
    DECLARATION,
    "preprocessing.py",
    "model.py",
    "schema.pbtxt",
    "hyperparameters/best.json",
    "query.sql",
)
# Of a model's folder: itself, its files and the folders that they lie in.
PLACES = ("", "hyperparameters", *FILES)
Kind = Literal["file", "folder", "link", "submodule"]
SUBMODULE = re.compile(r"^\s*path\s*=\s*(.*?)\s*$", re.MULTILINE)


class ModelError(ValueError):
    """One sentence on a link or a submodule in place of a model's files."""


@dataclass(frozen=True)
class Entry:
    """A path below models/ and its kind; the empty path is models/ itself."""

    path: str
    kind: Kind

    @property
    def folder(self) -> str:
        return self.path.partition("/")[0]

    @property
    def place(self) -> str:
        return self.path.partition("/")[2]


def names(entries: Iterable[Entry]) -> list[str]:
    """Return the models among the entries.

    Raises ModelError for a link or a submodule in the place of a model or of one of its files.
    """
    visible = [entry for entry in entries if not entry.folder.startswith(".")]
    declarations = [entry for entry in visible if entry.place == DECLARATION]
    models = {entry.folder for entry in declarations if entry.kind != "folder"}
    for entry in sorted(visible, key=attrgetter("path")):
        is_of_model = entry.folder in models and entry.place in PLACES
        if entry.kind in ("link", "submodule") and (is_of_model or not entry.place):
            raise ModelError(refusal(PurePosixPath("models", entry.path), entry.kind))
    return sorted(models)


def refusal(path: os.PathLike[str], kind: Kind) -> str:
    return (
        f"{path} is a {kind}, allowed are plain files and folders: "
        f"what a {kind} leads to is in no commit of this repository"
    )


def entries_in(models: Path) -> Iterator[Entry]:
    """Yield the entries of models/ relevant to the rule for a model."""
    kind = _kind(models)
    yield Entry("", kind)
    if kind != "folder":
        return
    for name in _listing(models):
        for place in PLACES:
            path = models / name / place
            if os.path.lexists(path):
                yield Entry(str(PurePosixPath(name, place)), _kind(path))
    for submodule in _submodules(models):
        yield Entry(submodule, "submodule")


def check(folder: Path) -> None:
    """Raise ModelError for a link in place of a model's folder or file."""
    for place in PLACES:
        path = folder / place
        if path.is_symlink():
            raise ModelError(refusal(path, "link"))


def _listing(folder: Path) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ModelError(f"{folder} cannot be read: {error.strerror}") from error


def _kind(path: Path) -> Kind:
    if path.is_symlink():
        return "link"
    if os.path.isfile(path):
        return "file"
    return "submodule" if os.path.lexists(path / ".git") else "folder"


def _submodules(models: Path) -> Iterator[str]:
    """Yield the submodules in models/: an unfetched one is an empty folder."""
    file = models.parent / ".gitmodules"
    if not os.path.isfile(file):
        return
    text = file.read_text(encoding="utf-8", errors="surrogateescape")
    for path in SUBMODULE.findall(text):
        folder, _, name = path.partition("/")
        if folder == models.name:
            yield name
