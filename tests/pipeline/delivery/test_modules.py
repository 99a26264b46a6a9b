"""Modules in the bucket: each lies at an address made of its content.

Only what changed is copied, and nothing is ever overwritten.
"""

import shutil

import pytest

from pipeline.errors import RunError
from pipeline.gcp.modules import upload
from pipeline.gcp.stage import Stage
from pipeline.model.folder import ModelFolder
from pipeline.spec import MODULE_FILES
from tests.pipeline.delivery.conftest import DEV
from tests.team import MODELS


@pytest.fixture
def cab(tmp_path):
    shutil.copytree(MODELS / "cab", tmp_path / "cab", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / "cab"


def published(path):
    return upload(ModelFolder.load(str(path)), Stage(DEV))


def test_the_first_publication_copies_every_module_to_an_address_of_its_content(blob, cab):
    folder, modules = ModelFolder.load(str(cab)), published(cab)

    assert modules.copied == list(MODULE_FILES)
    for file, uri in modules.uris.items():
        assert uri == (
            f"gs://{blob.bucket.name}/modules/cab/{folder.sha256(file)}/{file.rsplit('/', 1)[-1]}"
        )
        assert (
            blob.bucket.blob(uri.split("/", 3)[3]).download_as_bytes() == (cab / file).read_bytes()
        )


def test_after_an_edit_only_the_edited_module_is_copied(blob, cab):
    first = published(cab)
    (cab / "model.py").write_text((cab / "model.py").read_text() + "# edited\n")

    second = published(cab)

    assert second.copied == ["model.py"]
    assert {file for file in MODULE_FILES if first.uris[file] != second.uris[file]} == {"model.py"}


def test_publishing_twice_copies_nothing(blob, cab):
    published(cab)

    assert published(cab).copied == []


def test_an_address_that_holds_something_else_is_refused_and_left_alone(blob, cab):
    uri = published(cab).uris["model.py"]
    occupant = blob.bucket.blob(uri.split("/", 3)[3])
    occupant.upload_from_string("something else")

    with pytest.raises(RunError, match="holds something else than its name says"):
        published(cab)

    assert occupant.download_as_bytes() == b"something else"


def test_a_missing_bucket_is_named_with_what_tells_more(store, cab):
    with pytest.raises(
        RunError,
        match=r"the bucket mill-dev-dev-artifacts is not there in mill-dev: `make doctor env=dev`",
    ):
        published(cab)
