"""A server loads the model of the digest that its registry entry carries, and no other."""

import shutil

import pytest

from pipeline import manifest
from pipeline.errors import RunError
from pipeline.serving import loading, server


@pytest.fixture
def model(saved, tmp_path):
    """A model as the Trainer leaves it, with its manifest inside."""
    folder = shutil.copytree(saved, tmp_path / "1")
    manifest.write(folder, manifest.inside(folder))
    return folder


def test_a_model_of_its_registry_s_digest_is_loaded_as_verified(model):
    digest = manifest.of(model).digest

    loaded = loading.load(str(model), digest=digest)

    assert loaded.digest == digest
    assert loaded.is_verified is True


def test_a_model_whose_manifest_was_renewed_with_its_files_is_not_loaded(model):
    digest = manifest.of(model).digest
    (model / "added.pb").write_bytes(b"x")
    renewed = manifest.write(model, manifest.inside(model))

    with pytest.raises(RunError) as error:
        loading.load(str(model), digest=digest)

    assert f"has the digest {renewed.digest}, allowed is {digest}" in str(error.value)


def test_a_model_whose_manifest_was_removed_with_a_change_is_not_loaded(model):
    digest = manifest.of(model).digest
    manifest.inside(model).unlink()
    (model / "fingerprint.pb").write_bytes(b"")

    with pytest.raises(RunError, match=f"allowed is {digest}"):
        loading.load(str(model), digest=digest)


def test_a_model_without_manifest_and_digest_is_loaded_as_unverified(saved):
    loaded = loading.load(str(saved))

    assert loaded.is_verified is False


def test_the_container_s_variable_names_the_digest():
    digest = "0a" * 32

    arguments = server.container({"AIP_STORAGE_URI": "/m", "ESTEIRA_MODEL_DIGEST": digest})

    assert arguments["digest"] == digest
