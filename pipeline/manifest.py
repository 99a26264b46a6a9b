"""Lists a folder's files: the SHA-256 of each, and one digest over all.

A manifest is JSON, with its files in order:

    {"digest": SHA-256, "files": {PATH: {"sha256": ..., "size": ...}}, "times": {PATH: [...]}}

The digest is that of the lines `SHA-256  PATH`, as sha256sum prints them. It names a model: what
accompanies one is listed, and is no part of it. The times are those of this machine and no part of
it either: a file whose size and times are the written ones is not read again. A manifest inside
its folder, which travels with it, has none.
"""

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

NAME = "manifest.json"  # of a manifest inside its folder
SUFFIX = ".manifest.json"  # of one beside it
ACCOMPANYING = ("baseline.json",)  # what a model was trained on


@dataclass(frozen=True)
class File:
    sha256: str
    size: int  # bytes


Times = tuple[int, int]  # of the last change of a file's content and of its entry, in ns


@dataclass(frozen=True)
class Manifest:
    files: dict[str, File]  # by their paths below the folder, in order
    times: dict[str, Times]

    @property
    def own_files(self) -> dict[str, File]:
        """All files but the accompanying ones."""
        return {name: file for name, file in self.files.items() if name not in ACCOMPANYING}

    @property
    def digest(self) -> str:
        """The SHA-256 over the names and contents of its own files."""
        lines = [f"{file.sha256}  {name}\n" for name, file in self.own_files.items()]
        text = "".join(lines)
        return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def beside(folder: Path) -> Path:
    """The manifest beside a folder: TFX allows no foreign file inside it."""
    return folder.with_name(f"{folder.name}{SUFFIX}")


def inside(folder: Path) -> Path:
    """The manifest inside a folder, to travel with it."""
    return folder / NAME


def of(folder: Path) -> Manifest:
    """The manifest of a folder's files as they are; the manifest inside it is none of them."""
    files = {}
    times = {}
    for name, path in _paths(folder).items():
        status = path.stat()
        with path.open("rb") as content:
            sha256 = hashlib.file_digest(content, "sha256").hexdigest()
        files[name] = File(sha256, status.st_size)
        times[name] = _times(status)
    return Manifest(files, times)


def write(folder: Path, file: Path) -> Manifest:
    """Write the folder's manifest into `file`, whole or not at all."""
    manifest = of(folder)
    if file == inside(folder):
        manifest = Manifest(manifest.files, {})
    _write(manifest, file)
    return manifest


def read(file: Path) -> Manifest:
    """The manifest in `file`; raises ValueError for a damaged one or none."""
    return decode(file.read_bytes(), str(file))


def decode(text: str | bytes, place: str) -> Manifest:
    """The manifest in the text; `place` is where it lies, for the errors."""
    try:
        content = json.loads(text)
        files = {name: File(**entry) for name, entry in content["files"].items()}
        times = {name: (changed, entered) for name, (changed, entered) in content["times"].items()}
        digest = content["digest"]
        manifest = Manifest(files, times)
        is_whole = manifest.digest == digest
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"{place} is no manifest") from error
    if not is_whole:
        raise ValueError(f"{place} is damaged")
    return manifest


def encode(manifest: Manifest) -> str:
    entries = {}
    for name, entry in manifest.files.items():
        entries[name] = {"sha256": entry.sha256, "size": entry.size}
    content = {"digest": manifest.digest, "files": entries, "times": manifest.times}
    return json.dumps(content, indent=1)


def differences(made: Mapping[str, File], files: Mapping[str, File]) -> Iterator[str]:
    """What is different about the files, by their names, from those that were made."""
    for name in made:
        if name not in files:
            yield f"{name} is missing"
    for name, file in files.items():
        if name not in made:
            yield f"{name} was added"
        elif file != made[name]:
            yield f"{name} has another content than it was made with"


def problem(folder: Path, file: Path) -> str | None:
    """The folder's first problem by the manifest in `file`, or None.

    A file is read only where its size is right and its times are not those that were written; the
    times of a file that turns out whole are then written.
    """
    text = _problem(folder, file)
    # As settings.values.printable, which the server's image does not hold.
    return "".join(letter if letter.isprintable() else "?" for letter in text) if text else None


def _problem(folder: Path, file: Path) -> str | None:
    try:
        paths = _paths(folder)
        manifest = read(file)
        first_problem = next(_problems(manifest, paths), None)
        if first_problem is None and file != inside(folder):
            _renew(manifest, paths, file)
    except FileNotFoundError as error:
        return f"{error.filename} is missing"
    except OSError as error:
        return f"{error.filename} cannot be read ({error.strerror})"
    except ValueError as error:
        return str(error)
    return first_problem


def _problems(manifest: Manifest, paths: dict[str, Path]) -> Iterator[str]:
    for name in manifest.files:
        if name not in paths:
            yield f"{name} is missing"
    for name, path in paths.items():
        if name not in manifest.files:
            yield f"{name} was added"
            continue
        file = manifest.files[name]
        status = path.stat()
        if status.st_size != file.size:
            yield f"{name} has {status.st_size} bytes, it was made with {file.size}"
        elif _times(status) != manifest.times.get(name) and _sha256(path) != file.sha256:
            yield f"{name} has another content than it was made with"


def _renew(manifest: Manifest, paths: dict[str, Path], file: Path) -> None:
    """Write the times of a copied folder: its files are read only once."""
    times = {name: _times(path.stat()) for name, path in paths.items()}
    if times != manifest.times:
        with contextlib.suppress(OSError):  # a folder that can't be written is as good
            _write(Manifest(manifest.files, times), file)


def _paths(folder: Path) -> dict[str, Path]:
    """The folder's files by their names in it, in order."""
    if not folder.is_dir():
        raise FileNotFoundError(2, "no such folder", str(folder))
    paths = [path for path in folder.rglob("*") if path.is_file()]
    by_name = {path.relative_to(folder).as_posix(): path for path in paths}
    by_name.pop(NAME, None)
    return dict(sorted(by_name.items()))


def _times(status: os.stat_result) -> Times:
    # The second can't be set by a program: a content put back in time is read.
    return status.st_mtime_ns, status.st_ctime_ns


def _sha256(path: Path) -> str:
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _write(manifest: Manifest, file: Path) -> None:
    unfinished_file = file.with_name(f".{file.name}.unfinished")
    try:
        unfinished_file.write_text(encode(manifest), encoding="utf-8")
        os.replace(unfinished_file, file)
    except OSError:
        unfinished_file.unlink(missing_ok=True)
        raise
