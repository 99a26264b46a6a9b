"""Keeps the files of a model's runs whole on this machine.

One process works at a time, and each file is replaced whole or not at all.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from pipeline.errors import RunError


@contextlib.contextmanager
def locked_store(store: Path) -> Iterator[None]:
    """Keep a second process out of `store` while this one runs in it."""
    store.mkdir(parents=True, exist_ok=True)
    with open(store / ".lock", "a+", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            process = lock.read().strip() or "unknown"
            raise RunError(
                f"{store}: process {process} is running this model; wait for it, or end it"
            ) from error
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def write(file: Path, text: str) -> Path:
    """Replace the file's content at once.

    A reader meanwhile, or after this process was killed, finds the old content or the new.
    """
    unfinished_file = file.with_suffix(".unfinished")
    unfinished_file.write_text(text, encoding="utf-8")
    os.replace(unfinished_file, file)
    return file
