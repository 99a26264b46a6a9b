"""Finds the model to serve, and checks whether it is whole.

It lies in a folder here or under gs://, and is the newest of several versions.
"""

import re
import tempfile
from pathlib import Path, PurePosixPath

from pipeline import manifest
from pipeline.errors import ConfigurationError, RunError

VERSION = re.compile(r"[0-9]+")
NEEDED = (
    "saved_model.pb",
    "assets.extra/schema.pbtxt",
    "assets.extra/sample.json",
    "assets.extra/serving.json",
)


def check(folder: Path) -> Path:
    """The folder, if a model of ours is in it; raises ConfigurationError.

    Raises RunError where a published version is no longer what was published.
    """
    if not folder.is_dir():
        raise ConfigurationError(
            f"{folder}: there is no such folder, allowed is one that holds a SavedModel"
        )
    for name in NEEDED:
        file = folder / name
        if not file.is_file():
            names = ", ".join(NEEDED)
            raise ConfigurationError(
                f"{folder}: there is no {name}, a model that can be served holds {names}"
            )
    _refuse_damaged(folder)
    return folder


def _refuse_damaged(folder: Path) -> None:
    file = manifest.inside(folder)
    problem = manifest.problem(folder, file) if file.exists() else None
    if problem:
        raise RunError(
            f"{folder}: the model is damaged ({problem}): serve another version, or run again, "
            "which publishes a new one"
        )


def newest(published: Path) -> Path | None:
    """The version published last."""
    folders = versions(published)
    return folders[-1] if folders else None


def versions(published: Path) -> list[Path]:
    """The published versions, the oldest first; a name other than a number is unfinished."""
    numbered = [path for path in published.glob("*") if VERSION.fullmatch(path.name)]
    folders = [path for path in numbered if path.is_dir()]
    return sorted(folders, key=lambda path: int(path.name))


def fetch(uri: str) -> Path:
    """The model at `uri`; one from a bucket lies in a temporary folder."""
    if not uri.startswith("gs://"):
        return check(Path(uri))
    from google.cloud import storage  # a second to import, and a local model needs none of it

    bucket, _, prefix = uri.removeprefix("gs://").strip("/").partition("/")
    folder = Path(tempfile.mkdtemp(prefix="model-"))
    blob_prefix = f"{prefix}/" if prefix else None
    for blob in storage.Client().list_blobs(bucket, prefix=blob_prefix):
        path = PurePosixPath(blob.name).relative_to(prefix)
        if ".." in path.parts:
            raise ConfigurationError(f"{uri}: the object {blob.name} has no place in a folder")
        if not blob.name.endswith("/"):  # else a folder's marker
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            blob.download_to_filename(file)
    if not any(folder.iterdir()):
        raise ConfigurationError(
            f"{uri}: there is nothing there, allowed is a folder that holds a SavedModel"
        )
    return check(folder)
