"""Makes TFX's cache see our own components.

The content of their source is a parameter of theirs.
"""

import hashlib
from pathlib import Path

from pipeline import errors

PACKAGE = Path(errors.__file__).parent


def source_sha256(*files: str) -> str:
    """The SHA-256 of these files of the package.

    A changed component thereby runs again, and all that depends on it, too.
    """
    contents = [_content(PACKAGE / file) for file in files]
    content = b"\0".join(contents)
    return hashlib.sha256(content).hexdigest()


def _content(file: Path) -> bytes:
    """A file as git keeps it: core.autocrlf changes line ends on the disk."""
    return file.read_bytes().replace(b"\r\n", b"\n")
