"""What makes the caches see our own code: the content of a component's source as a parameter of its, the whole code's as a local job's image."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from pipeline import errors
from settings import MODELS, REPOSITORY

PACKAGE = Path(errors.__file__).parent


def source_sha256(*files: str) -> str:
    """The SHA-256 of these files of the package, so that a changed component runs again and what hangs on it too."""
    return hashlib.sha256(b"\0".join((PACKAGE / file).read_bytes() for file in files)).hexdigest()


def code_files() -> Iterator[Path]:
    """What the pipeline image would hold of ours, and what it is built by."""
    yield REPOSITORY / "Pipfile.lock"
    yield from sorted(REPOSITORY.glob("*.py"))
    yield from sorted(file for file in PACKAGE.rglob("*.*") if MODELS not in file.parents and "__pycache__" not in file.parts)


def local_image() -> str:
    """A local job's image, which is never pulled: the containers' command runs on this machine. Other code is another digest, as in the cloud."""
    content = hashlib.sha256()
    for file in code_files():
        content.update(f"{file.relative_to(REPOSITORY)}\0{hashlib.sha256(file.read_bytes()).hexdigest()}\0".encode())
    return f"this-machine@sha256:{content.hexdigest()}"
