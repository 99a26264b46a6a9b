"""What stands for the pipeline image on this machine: our code as it lies here, named by a digest, as other code is another image in the cloud."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from settings import REPOSITORY

SUFFIXES = (".py", ".jinja")


def files() -> Iterator[Path]:
    """What the image would hold of ours, and the lock that it is built by; nothing that an editor keeps beside them."""
    yield REPOSITORY / "Pipfile.lock"
    folders = (REPOSITORY / "settings", REPOSITORY / "pipeline")
    for file in sorted(
        (REPOSITORY / "environments.py", *(f for folder in folders for f in folder.rglob("*")))
    ):
        if file.suffix in SUFFIXES and not file.name.startswith("."):
            yield file


def reference() -> str:
    """Never pulled: a rehearsal runs the containers' command in its own environment."""
    content = hashlib.sha256()
    for file in files():
        content.update(
            f"{file.relative_to(REPOSITORY)}\0{hashlib.sha256(file.read_bytes()).hexdigest()}\0".encode()
        )
    return f"this-machine@sha256:{content.hexdigest()}"
