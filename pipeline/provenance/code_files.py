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
    files = paths(repository, model)
    return {in_utf8(place): _sha256(path) for place, path in files.items()}


def paths(repository: Path, model: ModelFolder) -> dict[str, Path]:
    """Map each path in the repository to where the file lies, in order of the former."""
    candidates = sorted(_candidates(repository, model))
    return {place: path for place, path in candidates if _trains(place, model.name)}


def _candidates(repository: Path, model: ModelFolder) -> Iterator[tuple[str, Path]]:
    for name in FILES:
        yield name, repository / name
    for folder in FOLDERS:
        yield from _below(repository / folder, folder)
    yield from _below(model.path, f"models/{model.name}")


def _below(folder: Path, place: str) -> Iterator[tuple[str, Path]]:
    """The folder's files without what Python and editors keep beside them."""
    for path in folder.rglob("*"):
        parts = path.relative_to(folder).parts
        is_kept_beside = any(part.startswith(".") or part == "__pycache__" for part in parts)
        if (path.is_file() or path.is_symlink()) and not is_kept_beside:
            yield "/".join((place, *parts)), path


def _trains(place: str, model: str) -> bool:
    route = route_of([Change(place, "modified")], frozenset({model}))
    return bool(route.models)


def _sha256(path: Path) -> str:
    try:
        # Of a link to a folder git has the address alone.
        content = path.read_bytes() if path.is_file() else os.fsencode(path.readlink())
    except OSError as error:
        raise ConfigurationError(
            f"{path}: it can't be read ({error.strerror}), "
            "allowed are files whose content a run can take down"
        ) from error
    return hashlib.sha256(content.replace(b"\r\n", b"\n")).hexdigest()
