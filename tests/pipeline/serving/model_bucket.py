"""A model in a bucket of the stand-in for Cloud Storage."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage

from tests.standins import object_store


@contextlib.contextmanager
def uploaded(model: Path) -> Iterator[str]:
    """The model in a bucket of the stand-in, beside one with the same beginning of its name.

    STORAGE_EMULATOR_HOST leads there.
    """
    with object_store.serving() as store, pytest.MonkeyPatch.context() as patch:
        patch.setenv("STORAGE_EMULATOR_HOST", store.url)
        client = storage.Client("p", AnonymousCredentials())
        bucket = client.create_bucket("models")
        contents = {"cab/7/": b"", "escaping/../../x": b"x", "cab/70/saved_model.pb": b"another"}
        contents |= {f"cab/7/{name}": content for name, content in files_in(model).items()}
        for name, content in contents.items():
            blob = bucket.blob(name)
            blob.upload_from_string(content)
        yield "gs://models/cab/7"


def files_in(folder: Path) -> dict[str, bytes]:
    """The files below `folder`: relative path -> content."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(file.relative_to(folder)): file.read_bytes() for file in files}
