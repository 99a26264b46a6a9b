"""Names our code as it lies on this machine by a digest.

It stands for the pipeline image: other code is another image in the cloud.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from settings import REPOSITORY

SUFFIXES = (".py", ".jinja")


def files() -> Iterator[Path]:
    """Our files in the image, and its lock file.

    What an editor keeps beside them is left out.
    """
    yield REPOSITORY / "Pipfile.lock"
    paths = [REPOSITORY / "environments.py"]
    for folder in ("settings", "pipeline"):
        paths += (REPOSITORY / folder).rglob("*")
    for file in sorted(paths):
        hidden = file.name.startswith(".")
        if file.suffix in SUFFIXES and not hidden:
            yield file


def reference() -> str:
    """The image's reference; nothing pulls it.

    A rehearsal runs the containers' command in its own venv.
    """
    content = hashlib.sha256()
    for file in files():
        name = file.relative_to(REPOSITORY)
        text = file.read_bytes().replace(b"\r\n", b"\n")  # as in git, whatever this clone has
        sha256 = hashlib.sha256(text).hexdigest()
        line = f"{name}\0{sha256}\0"
        content.update(line.encode())
    return f"this-machine@sha256:{content.hexdigest()}"
