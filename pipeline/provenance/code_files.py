"""The files that train a model, by route.py's rules, each with the SHA-256 of its content."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from pipeline.delivery.route import Change, route_of
from pipeline.errors import ConfigurationError
from pipeline.model.folder import ModelFolder
from pipeline.places import in_utf8

FOLDERS = ("pipeline", "settings", "build")  # those that may hold one, beside the model's
FILES = ("Pipfile.lock",)


def digests(repository: Path, model: ModelFolder) -> dict[str, str]:
    """Map each path in the repository to its content's SHA-256.

    The model's folder may lie elsewhere: its files count as those of models/. Lines end as in git,
    whatever this clone has. Raises ConfigurationError for a file that can't be read.
    """
    sha256s = {}
    for place, path in paths(repository, model).items():
        name = in_utf8(place)
        sha256s[name] = _sha256(path)
    return sha256s


def paths(repository: Path, model: ModelFolder) -> dict[str, Path]:
    """Map each path in the repository to where the file lies, in order of the former."""
    candidates = sorted(_candidates(repository, model))
    return {place: path for place, path in candidates if _trains(place, model.name)}


def _candidates(repository: Path, model: ModelFolder) -> Iterator[tuple[str, Path]]:
    for name in FILES:
        yield name, repository / name
    for folder in FOLDERS:
        yield from _below(repository / folder, folder)
    place = f"models/{model.name}"
    yield from _below(model.path, place)


def _below(folder: Path, place: str) -> Iterator[tuple[str, Path]]:
    """The folder's files without what Python and editors keep beside them."""
    for path in folder.rglob("*"):
        below = path.relative_to(folder)
        is_file = path.is_file() or path.is_symlink()
        if is_file and not any(map(_is_kept_beside, below.parts)):
            yield f"{place}/{below.as_posix()}", path


def _is_kept_beside(name: str) -> bool:
    return name.startswith(".") or name == "__pycache__"


def _trains(place: str, model: str) -> bool:
    change = Change(place, "modified")
    route = route_of([change], frozenset({model}))
    return bool(route.models)


def _sha256(path: Path) -> str:
    try:
        content = _content(path)
    except OSError as error:
        raise ConfigurationError(
            f"{path}: it can't be read ({error.strerror}), "
            "allowed are files whose content a run can take down"
        ) from error
    text = content.replace(b"\r\n", b"\n")
    return hashlib.sha256(text).hexdigest()


def _content(path: Path) -> bytes:
    """The file's content; of a link to a folder git has the address alone."""
    if path.is_file():
        return path.read_bytes()
    address = path.readlink()
    return os.fsencode(address)
