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
    contents = [(PACKAGE / file).read_bytes() for file in files]
    content = b"\0".join(contents)
    return hashlib.sha256(content).hexdigest()
