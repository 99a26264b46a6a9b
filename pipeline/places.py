"""Checks the paths on the command line, before any work.

Every path of a flag that becomes a glob, a URI or a database's address passes here. TensorFlow and
Beam read the addresses of artifacts as patterns, and Beam's have "no way to quote meta-characters"
(FileSystem.translate_pattern in
https://beam.apache.org/releases/pydoc/2.77.0/apache_beam.io.filesystem.html). A pattern's
characters are refused, all others are taken.
"""

import errno
import os
import re
import tempfile
from pathlib import Path

from pipeline.errors import ConfigurationError, RunError
from settings.values import printable

PATTERN = "*?[\\"
SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")
SHOWN = 160  # characters of a path in a sentence
# Of the system, and of SQLite.
FULL = ("No space left on device", "Disk quota exceeded", "database or disk is full")
PROBE = b"\0" * 4096


def shown(path: Path | str) -> str:
    """The path for a sentence: a long one without its middle."""
    text = printable(in_utf8(path))
    if len(text) <= SHOWN:
        return text
    half = SHOWN // 2
    return f"{text[:half]}...{text[-half:]}"


def in_utf8(name: Path | str) -> str:
    """The name of a file as any text may hold it: bytes that are no UTF-8 are escaped."""
    return str(name).encode("utf-8", "backslashreplace").decode()


def folder(path: Path, flag: str) -> Path:
    """The whole path of a folder, existing or to be made.

    Raises ConfigurationError for a file, and for an invalid path.
    """
    _refuse_scheme(path, flag)
    whole_path = _whole(path, flag)
    existing = _nearest(whole_path)
    if not existing.is_dir():
        raise ConfigurationError(
            f"{flag} is {shown(path)}, and {shown(existing)} is a file: allowed is a folder"
        )
    return whole_path


def artifacts_folder(path: Path, flag: str) -> Path:
    """As `folder`; raises ConfigurationError for characters special to TensorFlow or Beam."""
    whole_path = folder(path, flag)
    _refuse_characters(whole_path, flag)
    return whole_path


def writable(whole_path: Path, flag: str) -> Path:
    """The folder; raises RunError unless it can be made and written to."""
    _try_to_write(_nearest(whole_path), whole_path, flag)
    return whole_path


def writable_file(path: Path, flag: str) -> Path:
    """The whole path of an output file, in an existing folder."""
    _refuse_scheme(path, flag)
    whole_path = _whole(path, flag)
    _refuse_no_file(whole_path, path, flag)
    parent = whole_path.parent
    if not parent.is_dir():
        raise ConfigurationError(
            f"{flag} is {shown(path)}, and there is no folder {shown(parent)}: "
            "allowed is a file in a folder that is there"
        )
    _try_to_write(parent, whole_path, flag)
    return whole_path


def readable_file(path: Path, flag: str) -> Path:
    """The whole path of an input file, existing or not: its reader says more."""
    _refuse_scheme(path, flag)
    whole_path = _whole(path, flag)
    _refuse_no_file(whole_path, path, flag)
    return whole_path


def _refuse_characters(path: Path, flag: str) -> None:
    """Raise ConfigurationError for a path with a character of a library's patterns."""
    for character in str(path):
        if character in PATTERN:
            raise ConfigurationError(
                f"{flag} is {shown(path)}, whose {character!r} would be read as a pattern: "
                f"allowed is a path without {' '.join(PATTERN)}"
            )


def cannot_be_written(place: Path, error: OSError) -> RunError:
    """The sentence of a failed write at `place`, or at the error's own file."""
    file = error.filename2 or error.filename or place  # of a copy the second
    reason = error.strerror or str(error)
    return RunError(f"{shown(str(file))}: cannot be written ({reason})")


def is_full(error: BaseException | None) -> bool:
    """Whether a library's error tells of a full disk: few keep the system's number."""
    return any(words in str(error) for words in FULL)


def failure(error: OSError) -> str:
    """The sentence of an error of the operating system."""
    reason = error.strerror or str(error)
    if error.filename is None:
        return reason
    return f"{shown(str(error.filename))}: {reason}"


def _refuse_scheme(path: Path, flag: str) -> None:
    if SCHEME.match(str(path)):
        raise ConfigurationError(
            f"{flag} is {shown(path)}, allowed is a path on this machine, not a URI"
        )


def _refuse_no_file(whole_path: Path, path: Path, flag: str) -> None:
    """Refuse a folder or a device: a new file would replace it."""
    if whole_path.exists() and not whole_path.is_file():
        kind = "a folder" if whole_path.is_dir() else "no plain file"
        raise ConfigurationError(f"{flag} is {shown(path)}, {kind}: allowed is a file")


def _whole(path: Path, flag: str) -> Path:
    """The path from the root, without links."""
    text = str(path)
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ConfigurationError(f"{flag} is {shown(path)}, allowed is a path in UTF-8") from error
    if any(ord(character) < 32 or ord(character) == 127 for character in text):
        raise ConfigurationError(
            f"{flag} is {shown(text)}, allowed is a path without control characters"
        )
    try:
        whole_path = path.resolve()
        whole_path.exists()
    except (OSError, RuntimeError) as error:
        raise ConfigurationError(
            f"{flag} is {shown(path)}, which is no path here ({_reason(error)})"
        ) from error
    return whole_path


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or "its links form a circle"


def _nearest(path: Path) -> Path:
    """The path, or the nearest existing one above it."""
    while not os.path.lexists(path):
        path = path.parent
    return path


def _try_to_write(existing: Path, path: Path, flag: str) -> None:
    """Raise RunError if `existing` takes no file."""
    try:
        with tempfile.TemporaryFile(dir=existing) as file:
            file.write(PROBE)
            file.flush()
    except OSError as error:
        reason = os.strerror(error.errno or errno.EIO)
        raise RunError(f"{flag} is {shown(path)}, which cannot be written ({reason})") from error
