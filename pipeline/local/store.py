"""Keeps the files of a model's runs whole on this machine.

One process works at a time, and each file is replaced whole or not at all.
"""

import contextlib
import fcntl
import os
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from pipeline import places
from pipeline.errors import RunError
from pipeline.local import artifact_check, metadata_database

UNFINISHED = re.compile(r"\.(\d+)-\d+\.unfinished")  # by its writer's process and thread


@contextlib.contextmanager
def locked_store(store: Path) -> Iterator[None]:
    """Keep a second process out of `store` while this one runs in it.

    Raises RunError for a store that can't be used, before anything is done in it.
    """
    with _lock(store) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            process = lock.read().strip() or "unknown"
            raise RunError(
                f"{store}: process {process} is running this model; wait for it, or end it"
            ) from error
        _sign(lock, store)
        _refuse_files_for_folders(store)
        metadata_database.prepare(store)
        _adopt(store)
        yield


def write(file: Path, text: str) -> Path:
    """Replace the file's content at once.

    A reader meanwhile, or after this process was killed, finds the old content or the new. Of two
    writers at once the later one's content stays. Raises RunError where it can't be written.
    """
    unfinished_file = file.with_name(f".{os.getpid()}-{threading.get_ident()}.unfinished")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        _remove_remnants(file.parent)
        unfinished_file.write_text(text, encoding="utf-8")
        os.replace(unfinished_file, file)
    except OSError as error:
        with contextlib.suppress(OSError):
            unfinished_file.unlink()
        raise places.cannot_be_written(file, error) from error
    return file


def _remove_remnants(folder: Path) -> None:
    """Remove what writers left that were killed."""
    for remnant in folder.glob(".*.unfinished"):
        match = UNFINISHED.fullmatch(remnant.name)
        if match and not _is_alive(int(match[1])):
            remnant.unlink(missing_ok=True)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except PermissionError:  # another user's
        return True
    except (ProcessLookupError, OverflowError):
        return False
    return True


def _lock(store: Path) -> TextIO:
    """The store's lock file, not yet locked."""
    try:
        store.mkdir(parents=True, exist_ok=True)
        return open(store / ".lock", "a+", encoding="utf-8")
    except OSError as error:
        raise places.cannot_be_written(store, error) from error


def _sign(lock: TextIO, store: Path) -> None:
    """Write this process's id into the lock."""
    try:
        # Unbuffered, or a full disk would be told of again when the file is closed.
        os.ftruncate(lock.fileno(), 0)
        os.pwrite(lock.fileno(), str(os.getpid()).encode(), 0)
    except OSError as error:
        raise places.cannot_be_written(store, error) from error


def _adopt(store: Path) -> None:
    try:
        artifact_check.adopt(store)
    except OSError as error:
        raise places.cannot_be_written(store, error) from error


def _refuse_files_for_folders(store: Path) -> None:
    """Raise RunError for a file in a folder's place: TFX notices it after the work."""
    folders = [*store.glob("[A-Z]*"), store / "published", store / "modules"]
    for folder in folders:
        if os.path.lexists(folder) and not folder.is_dir():
            raise RunError(f"{folder} is a file: allowed is a folder, move it away and run again")
