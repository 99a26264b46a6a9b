"""Modules in the bucket: each lies at an address made of its content, only what changed is copied, and nothing is ever overwritten."""

import shutil

import pytest

from pipeline import model_folder
from pipeline.delivery.publish import publish
from pipeline.errors import RunError
from pipeline.spec import MODULE_FILES
from settings import MODELS
from tests.pipeline.delivery.conftest import DEV


@pytest.fixture
def taxi(tmp_path):
    shutil.copytree(MODELS / "taxi", tmp_path / "taxi", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / "taxi"


def published(path):
    return publish(model_folder.load(str(path)), DEV)


def test_the_first_publication_copies_every_module_to_an_address_of_its_content(blob, taxi):
    folder, found = model_folder.load(str(taxi)), published(taxi)

    assert found.copied == list(MODULE_FILES)
    for file, uri in found.uris.items():
        assert uri == f"gs://{blob.bucket.name}/modules/taxi/{folder.sha256(file)}/{file.rsplit('/', 1)[-1]}"
        assert blob.bucket.blob(uri.split("/", 3)[3]).download_as_bytes() == (taxi / file).read_bytes()


def test_after_an_edit_only_the_edited_module_is_copied(blob, taxi):
    first = published(taxi)
    (taxi / "model.py").write_text((taxi / "model.py").read_text() + "# edited\n")

    second = published(taxi)

    assert second.copied == ["model.py"]
    assert {file for file in MODULE_FILES if first.uris[file] != second.uris[file]} == {"model.py"}


def test_publishing_twice_copies_nothing(blob, taxi):
    published(taxi)

    assert published(taxi).copied == []


def test_an_address_that_holds_something_else_is_refused_and_left_alone(blob, taxi):
    uri = published(taxi).uris["model.py"]
    other = blob.bucket.blob(uri.split("/", 3)[3])
    other.upload_from_string("something else")

    with pytest.raises(RunError, match="holds something else than its name says"):
        published(taxi)

    assert other.download_as_bytes() == b"something else"


def test_a_missing_bucket_is_named_with_what_tells_more(store, taxi):
    with pytest.raises(RunError, match=r"the bucket acme-ml-dev-dev-artifacts is not there in acme-ml-dev: `make doctor env=dev`"):
        published(taxi)
