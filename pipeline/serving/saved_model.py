"""Where the model to serve is found: a folder here or under gs://, the newest of several versions, and whether it is whole."""

import tempfile
from pathlib import Path, PurePosixPath

from pipeline.errors import ConfigurationError

NEEDED = (
    "saved_model.pb",
    "assets.extra/schema.pbtxt",
    "assets.extra/sample.json",
    "assets.extra/serving.json",
)


def check(folder: Path) -> Path:
    """The folder, if a model of ours is in it; raises ConfigurationError."""
    if not folder.is_dir():
        raise ConfigurationError(
            f"{folder}: there is no such folder, allowed is one that holds a SavedModel"
        )
    for name in NEEDED:
        if not (folder / name).is_file():
            raise ConfigurationError(
                f"{folder}: there is no {name}, a model that can be served holds {', '.join(NEEDED)}"
            )
    return folder


def newest(published: Path) -> Path | None:
    """The version that was published last; names that are no number are unfinished."""
    versions = [path for path in published.glob("*") if path.name.isdigit()]
    return max(versions, key=lambda path: int(path.name), default=None)


def fetch(uri: str) -> Path:
    """The model at `uri`, in a temporary folder where it comes from a bucket."""
    if not uri.startswith("gs://"):
        return check(Path(uri))
    from google.cloud import storage  # a second to import, and a local model needs none of it

    bucket, _, prefix = uri.removeprefix("gs://").strip("/").partition("/")
    folder = Path(tempfile.mkdtemp(prefix="model-"))
    for blob in storage.Client().list_blobs(bucket, prefix=f"{prefix}/" if prefix else None):
        inside = PurePosixPath(blob.name).relative_to(prefix)
        if ".." in inside.parts:
            raise ConfigurationError(f"{uri}: the object {blob.name} has no place in a folder")
        if not blob.name.endswith("/"):  # else a folder's marker
            (folder / inside).parent.mkdir(parents=True, exist_ok=True)
            blob.download_to_filename(folder / inside)
    if not any(folder.iterdir()):
        raise ConfigurationError(
            f"{uri}: there is nothing there, allowed is a folder that holds a SavedModel"
        )
    return check(folder)
