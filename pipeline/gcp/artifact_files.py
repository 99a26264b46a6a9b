"""Fetches the files of a run's artifacts from the stage's bucket.

TensorFlow's own file system would read gs:// too, but at Google's address alone.
"""

from fnmatch import fnmatch
from pathlib import Path

from pipeline.errors import RunError
from pipeline.gcp.clients import patiently
from pipeline.gcp.protocols import Blob
from pipeline.gcp.stage import Stage


def read(stage: Stage, uri: str) -> bytes | None:
    """The content of one file, or None."""
    from google.api_core import exceptions

    blob = stage.artifacts.blob(_name(stage, uri))
    with stage.asking_bucket():
        try:
            return patiently(blob.download_as_bytes)
        except exceptions.NotFound:
            return None


def fetch(stage: Stage, uri: str, patterns: tuple[str, ...], folder: Path) -> bool:
    """Fetch the files below `uri` into `folder`; return whether there are any.

    `patterns` choose them by their paths below `uri`, without a pattern all are.
    """
    prefix = _name(stage, uri).rstrip("/") + "/"
    with stage.asking_bucket():
        blobs = patiently(lambda: list(stage.artifacts.list_blobs(prefix=prefix)))
        for blob in blobs:
            path = blob.name.removeprefix(prefix)
            if _is_chosen(path, patterns):
                _download(blob, _inside(folder, path))
    return folder.exists()


def _inside(folder: Path, path: str) -> Path:
    """The file of that path; an object's name may hold any dots and slashes, and lead out of it."""
    file = folder / path
    if ".." in file.parts or not file.is_relative_to(folder):
        raise RunError(f"an object is named {path}, allowed is a path below its folder")
    return file


def _name(stage: Stage, uri: str) -> str:
    root = f"{stage.names.artifacts_uri}/"
    if not uri.startswith(root):
        raise RunError(f"an artifact lies at {uri}, allowed is below {root}")
    return uri.removeprefix(root)


def _is_chosen(path: str, patterns: tuple[str, ...]) -> bool:
    """Say whether the path is a file's and matches.

    An empty object with a trailing slash is a folder that TensorFlow has made.
    """
    if path.endswith("/") or not path:
        return False
    return not patterns or any(fnmatch(path, pattern) for pattern in patterns)


def _download(blob: Blob, file: Path) -> None:
    content = patiently(blob.download_as_bytes)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
