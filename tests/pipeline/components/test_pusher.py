"""Publishing is whole or not at all, and never repeats the newest model."""

import contextlib
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
    graph = folder / "saved_model.pb"
    data = variables / "data"
    graph.write_bytes(b"graph")
    data.write_bytes(os.urandom(50_000))
    return folder


@pytest.fixture
def published(tmp_path):
    return tmp_path / "published"


@contextlib.contextmanager
def full_disk():
    """Have the kernel refuse a write of more than 100 kB, as it does on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def remnants(folder):
    """What lies among the versions and is none."""
    names = [path.name for path in folder.iterdir()]
    return [name for name in names if not name.isdigit()]


def test_a_new_model_is_a_new_version_beside_the_old(model, published):
    first, new = publish(model, published)
    first_tree = tree_sha256(first)
    graph = model / "saved_model.pb"
    graph.write_bytes(b"better graph")

    second, newer = publish(model, published)

    second_tree = tree_sha256(second)
    assert new is True
    assert newer is True
    first_number = int(first.name)
    assert int(second.name) > first_number
    assert second_tree == tree_sha256(model)
    assert second_tree != first_tree
    assert tree_sha256(first) == first_tree


def test_the_newest_model_is_not_published_twice(model, published):
    first, _ = publish(model, published)

    second, new = publish(model, published)

    assert second == first
    assert new is False


def test_a_full_disk_leaves_the_versions_before_it_and_nothing_half_made(model, published):
    publish(model, published)
    first_tree = tree_sha256(published)
    data = model / "variables/data"
    data.write_bytes(os.urandom(200_000))
    message = r"cannot be written .*; the versions before it are untouched"

    with full_disk(), pytest.raises(RunError, match=message):
        publish(model, published)

    assert tree_sha256(published) == first_tree
    assert remnants(published) == []


def test_what_a_killed_run_left_is_cleared_away(model, published):
    remnant = published / ".17.unfinished"
    remnant.mkdir(parents=True)

    publish(model, published)

    assert remnants(published) == []


def test_one_changed_byte_is_another_model(model):
    first_tree = tree_sha256(model)
    graph = model / "saved_model.pb"
    graph.write_bytes(b"grapf")

    second_tree = tree_sha256(model)

    assert second_tree != first_tree
