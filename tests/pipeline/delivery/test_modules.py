"""Modules in the bucket: each lies at an address made of its content.

Only what changed is copied, and nothing is ever overwritten.
"""

import pytest

from pipeline.errors import RunError
from pipeline.gcp.modules import upload
from pipeline.model.folder import ModelFolder
from pipeline.spec import MODULE_FILES


@pytest.fixture
def uploaded(cab, dev):
    """Upload the cab folder as it is now."""

    def upload_cab():
        folder = ModelFolder.load(str(cab))
        return upload(folder, dev)

    return upload_cab


def stored(blob, uri):
    """The bucket's object at this URI."""
    path = uri.removeprefix(f"gs://{blob.bucket.name}/")
    return blob.bucket.blob(path)


def test_the_first_upload_copies_every_module_to_an_address_of_its_content(blob, cab, uploaded):
    folder = ModelFolder.load(str(cab))

    modules = uploaded()

    assert modules.copied == list(MODULE_FILES)
    for file, uri in modules.uris.items():
        digest, path = folder.sha256(file), cab / file
        content = stored(blob, uri).download_as_bytes()
        assert uri == f"gs://{blob.bucket.name}/modules/cab/{digest}/{path.name}"
        assert content == path.read_bytes()


def test_after_an_edit_only_the_edited_module_is_copied(blob, cab, uploaded):
    first_uris = uploaded().uris
    model = cab / "model.py"
    with model.open("a") as file:
        file.write("# edited\n")

    second = uploaded()

    moved_files = [file for file in MODULE_FILES if first_uris[file] != second.uris[file]]
    assert second.copied == ["model.py"]
    assert moved_files == ["model.py"]


def test_uploading_twice_copies_nothing(blob, uploaded):
    uploaded()

    second = uploaded()

    assert second.copied == []


def test_an_address_that_holds_something_else_is_refused_and_left_alone(blob, uploaded):
    uris = uploaded().uris
    occupant = stored(blob, uris["model.py"])
    occupant.upload_from_string("something else")

    with pytest.raises(RunError, match="holds something else than its name says"):
        uploaded()

    assert occupant.download_as_bytes() == b"something else"


def test_a_missing_bucket_is_named_with_what_tells_more(store, uploaded):
    message = r"the bucket mill-dev-dev-artifacts is not there in mill-dev: `make doctor env=dev`"

    with pytest.raises(RunError, match=message):
        uploaded()
