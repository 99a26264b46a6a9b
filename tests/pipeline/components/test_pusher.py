"""Publishing is whole or not at all, and never repeats the newest model."""

import os
import resource

import pytest

from pipeline.components.pusher import publish, tree_sha256
from pipeline.errors import RunError


@pytest.fixture
def model(tmp_path):
    folder = tmp_path / "model"
    variables = folder / "variables"
    variables.mkdir(parents=True)
    (folder / "saved_model.pb").write_bytes(b"graph")
    (variables / "data").write_bytes(os.urandom(50_000))
    return folder


@pytest.fixture
def graph(model):
    return model / "saved_model.pb"


@pytest.fixture
def published(tmp_path):
    return tmp_path / "published"


def unfinished(published):
    """The names of all entries but versions."""
    return [path.name for path in published.iterdir() if not path.name.isdigit()]


def test_a_new_model_is_a_new_version_beside_the_old(model, graph, published):
    first_version, first_is_new = publish(model, published)
    graph.write_bytes(b"better graph")
    second_version, second_is_new = publish(model, published)

    model_sha256 = tree_sha256(model)
    assert first_is_new is True
    assert second_is_new is True
    first_number = int(first_version.name)
    second_number = int(second_version.name)
    assert second_number > first_number
    assert tree_sha256(second_version) == model_sha256
    assert tree_sha256(first_version) != model_sha256


def test_the_newest_model_is_not_published_twice(model, published):
    first_version, _ = publish(model, published)

    second_version, is_new = publish(model, published)

    assert second_version == first_version
    assert is_new is False


def test_a_full_disk_leaves_the_versions_before_it_and_nothing_half_made(model, published):
    publish(model, published)
    first_sha256 = tree_sha256(published)
    (model / "variables/data").write_bytes(os.urandom(200_000))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    # The kernel refuses the write, as it does on a full disk.
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))

    try:
        with pytest.raises(
            RunError, match=r"cannot be written .*; the versions before it are untouched"
        ):
            publish(model, published)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert tree_sha256(published) == first_sha256
    assert unfinished(published) == []


def test_what_a_killed_run_left_is_cleared_away(model, published):
    (published / ".17.unfinished").mkdir(parents=True)

    publish(model, published)

    assert unfinished(published) == []


def test_one_changed_byte_is_another_model(model, graph):
    first_sha256 = tree_sha256(model)
    graph.write_bytes(b"grapf")

    assert tree_sha256(model) != first_sha256
