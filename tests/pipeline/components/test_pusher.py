"""Publishing is whole or not at all, and never repeats the newest model."""

import os
import resource

import pytest

from pipeline.components.pusher import publish, tree_sha256
from pipeline.errors import RunError


@pytest.fixture
def model(tmp_path):
    folder = tmp_path / "model"
    (folder / "variables").mkdir(parents=True)
    (folder / "saved_model.pb").write_bytes(b"graph")
    (folder / "variables/data").write_bytes(os.urandom(50_000))
    return folder


def test_a_new_model_is_a_new_version_beside_the_old(model, tmp_path):
    first, new = publish(model, tmp_path / "published")
    (model / "saved_model.pb").write_bytes(b"better graph")
    second, newer = publish(model, tmp_path / "published")

    assert new is True
    assert newer is True
    assert int(second.name) > int(first.name)
    assert tree_sha256(second) == tree_sha256(model) != tree_sha256(first)


def test_the_newest_model_is_not_published_twice(model, tmp_path):
    first, _ = publish(model, tmp_path / "published")

    assert publish(model, tmp_path / "published") == (first, False)


def test_a_full_disk_leaves_the_versions_before_it_and_nothing_half_made(model, tmp_path):
    publish(model, tmp_path / "published")
    first_tree = tree_sha256(tmp_path / "published")
    (model / "variables/data").write_bytes(os.urandom(200_000))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(
        resource.RLIMIT_FSIZE, (100_000, hard)
    )  # the kernel refuses the write, as it does on a full disk

    try:
        with pytest.raises(
            RunError, match=r"cannot be written .*; the versions before it are untouched"
        ):
            publish(model, tmp_path / "published")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert tree_sha256(tmp_path / "published") == first_tree
    assert [p.name for p in (tmp_path / "published").iterdir() if not p.name.isdigit()] == []


def test_what_a_killed_run_left_is_cleared_away(model, tmp_path):
    (tmp_path / "published/.17.unfinished").mkdir(parents=True)

    publish(model, tmp_path / "published")

    assert all(p.name.isdigit() for p in (tmp_path / "published").iterdir())


def test_one_changed_byte_is_another_model(model):
    first_tree = tree_sha256(model)
    (model / "saved_model.pb").write_bytes(b"grapf")

    assert tree_sha256(model) != first_tree
