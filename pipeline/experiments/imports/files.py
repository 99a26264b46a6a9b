"""Copies the files that an exported run names, none from outside the export's own folder."""

import errno
import hashlib
import shutil
import stat
from pathlib import Path, PurePosixPath

from pipeline import places
from pipeline.errors import RunError

PLACE = "files"  # of the copies, below an imported run's folder
OUTSIDE = "its file's path leads out of the export"
LINK = "its file is a symbolic link, or has one on its way or in it"
MISSING = "its file is missing"
SPECIAL = "its file is neither a file nor a folder"


def copied(path: str, source: Path, target: Path) -> str | None:
    """Copy source/path to target/path; returns why not, None where it is copied.

    Raises RunError where it can't be read or written.
    """
    parts = PurePosixPath(path).parts
    if not _is_inside(path):
        return OUTSIDE
    try:
        reason = _refusal(source, parts)
        if reason is None:
            _copy(source.joinpath(*parts), target.joinpath(*parts))
    except OSError as error:
        raise RunError(places.failure(error)) from error
    return reason


def is_copied(path: str, source: Path, target: Path) -> bool:
    """Whether all that may be copied is at target/path, by the files' sizes."""
    parts = PurePosixPath(path).parts
    if not _is_inside(path) or _refusal(source, parts):
        return True
    return _sizes(source.joinpath(*parts)) == _sizes(target.joinpath(*parts))


def _sizes(place: Path) -> dict[str, int]:
    every = [place, *place.rglob("*")]
    return {str(each.relative_to(place)): each.stat().st_size for each in every if each.is_file()}


def stamp(path: str, source: Path) -> str | None:
    """What changes whenever the file does, or one below the folder; None for one not there."""
    if not _is_inside(path):
        return None
    place = source / path
    try:
        lines = [_line(each, place) for each in sorted([place, *place.rglob("*")])]
    except OSError:
        return None
    if len(lines) == 1:
        return lines[0]
    digest = hashlib.sha256("\n".join(lines).encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _line(place: Path, folder: Path) -> str:
    facts = place.lstat()
    name = place.relative_to(folder)
    return f"{facts.st_mtime_ns}:{facts.st_size}" + ("" if place == folder else f":{name}")


def _is_inside(path: str) -> bool:
    parts = PurePosixPath(path).parts
    return bool(parts) and "\0" not in path and ".." not in parts and not path.startswith("/")


def _refusal(source: Path, parts: tuple[str, ...]) -> str | None:
    """Why the file is not copied, None where it is."""
    try:
        return _problem(source, parts)
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:  # no file has such a name
            return MISSING
        raise


def _problem(source: Path, parts: tuple[str, ...]) -> str | None:
    place = source
    for part in parts:
        place = place / part
        if place.is_symlink():
            return LINK
    if not place.exists():
        return MISSING
    inside = [place, *place.rglob("*")] if place.is_dir() else [place]
    modes = [path.lstat().st_mode for path in inside]
    if any(stat.S_ISLNK(mode) for mode in modes):
        return LINK
    is_plain = all(stat.S_ISREG(mode) or stat.S_ISDIR(mode) for mode in modes)
    return None if is_plain else SPECIAL


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        try:
            shutil.copytree(source, target, dirs_exist_ok=True)
        except shutil.Error as error:
            [first, *_] = error.args[0]
            raise RunError(
                f"{places.shown(first[0])} cannot be copied ({first[2]:.100})"
            ) from error
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, target)
