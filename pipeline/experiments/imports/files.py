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
    sizes = _sizes(source.joinpath(*parts))
    copied_sizes = _sizes(target.joinpath(*parts))
    return copied_sizes == sizes


def _sizes(place: Path) -> dict[str, int]:
    sizes = {}
    for path in _tree(place):
        if path.is_file():
            name = path.relative_to(place)
            sizes[str(name)] = path.stat().st_size
    return sizes


def _tree(place: Path) -> list[Path]:
    """The path and all below it."""
    return [place, *place.rglob("*")]


def stamp(path: str, source: Path) -> str | None:
    """What changes whenever the file does, or one below the folder; None for one not there."""
    if not _is_inside(path):
        return None
    place = source / path
    try:
        paths = sorted(_tree(place))
        lines = [_line(path, place) for path in paths]
    except OSError:
        return None
    if len(lines) == 1:
        return lines[0]
    text = "\n".join(lines)
    digest = hashlib.sha256(text.encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _line(place: Path, folder: Path) -> str:
    facts = place.lstat()
    name = place.relative_to(folder)
    return f"{facts.st_mtime_ns}:{facts.st_size}" + ("" if place == folder else f":{name}")


def _is_inside(path: str) -> bool:
    parts = PurePosixPath(path).parts
    if not parts or "\0" in path:
        return False
    leads_up = ".." in parts
    is_absolute = path.startswith("/")
    return not leads_up and not is_absolute


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
    paths = _tree(place) if place.is_dir() else [place]
    modes = [path.lstat().st_mode for path in paths]
    if any(map(stat.S_ISLNK, modes)):
        return LINK
    is_plain = all(map(_is_plain, modes))
    return None if is_plain else SPECIAL


def _is_plain(mode: int) -> bool:
    return stat.S_ISREG(mode) or stat.S_ISDIR(mode)


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
