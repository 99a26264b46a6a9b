"""Publishing is whole or not at all, and never repeats the newest model.

A model's baseline goes along, and makes no other model of it.
"""

import contextlib
import os
import resource
import shutil

import pytest
from tfx.types import standard_artifacts
from tfx.utils import json_utils

from pipeline import manifest
from pipeline.author import author
from pipeline.components import artifacts
from pipeline.components.pusher import Executor, publish, tree_sha256
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


@pytest.fixture
def baseline(tmp_path):
    file = tmp_path / "made.json"
    file.write_text("a baseline")
    return file


@contextlib.contextmanager
def files_of_at_most(size):
    """The kernel refuses a longer file, as it does on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def problem(version):
    """What is wrong with a version by the manifest inside it."""
    return manifest.problem(version, manifest.inside(version))


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

    with (
        files_of_at_most(100_000),
        pytest.raises(
            RunError, match=r"cannot be written .*; the versions before it are untouched"
        ),
    ):
        publish(model, published)

    assert tree_sha256(published) == first_sha256
    assert unfinished(published) == []


def test_what_a_killed_run_left_is_cleared_away(model, published):
    (published / ".17.unfinished").mkdir(parents=True)
    (published / ".16.baseline.json.unfinished").write_text("a base")

    publish(model, published)

    assert unfinished(published) == []


def test_one_changed_byte_is_another_model(model, graph):
    first_sha256 = tree_sha256(model)
    graph.write_bytes(b"grapf")

    assert tree_sha256(model) != first_sha256


def test_a_version_holds_its_baseline_by_its_manifest(model, published, baseline):
    version, _ = publish(model, published, baseline)

    files = manifest.read(manifest.inside(version)).files
    assert (version / "baseline.json").read_text() == "a baseline"
    assert "baseline.json" in files
    assert problem(version) is None


def test_a_baseline_makes_no_other_model(model, published, baseline):
    version, _ = publish(model, published, baseline)

    published_manifest = manifest.read(manifest.inside(version))
    assert published_manifest.digest == manifest.of(model).digest
    assert tree_sha256(version) == tree_sha256(model)


def test_the_same_model_with_another_baseline_gets_that_one_and_is_no_new_version(
    model, published, baseline
):
    first_version, _ = publish(model, published, baseline)
    baseline.write_text("with another limit")

    version, is_new = publish(model, published, baseline)

    assert version == first_version
    assert is_new is False
    assert (version / "baseline.json").read_text() == "with another limit"
    assert problem(version) is None
    assert unfinished(published) == []


def test_a_version_from_before_gets_its_baseline(model, published, baseline):
    version, _ = publish(model, published)

    publish(model, published, baseline)

    assert (version / "baseline.json").read_text() == "a baseline"
    assert problem(version) is None


def test_a_model_whose_baseline_could_not_be_made_keeps_the_one_that_it_has(
    model, published, baseline
):
    version, _ = publish(model, published, baseline)

    publish(model, published, None)

    assert (version / "baseline.json").read_text() == "a baseline"


def test_a_damaged_baseline_is_told_and_renewed(model, published, baseline):
    version, _ = publish(model, published, baseline)
    (version / "baseline.json").write_text("a baselinf")

    told = problem(version)
    publish(model, published, baseline)

    assert told == "baseline.json has another content than it was made with"
    assert problem(version) is None


def test_a_full_disk_leaves_the_baseline_that_is_there(model, published, baseline):
    version, _ = publish(model, published, baseline)
    baseline.write_text("longer " * 1000)

    refused = pytest.raises(RunError, match=r"its baseline cannot be written .*: run again")
    with files_of_at_most(1000), refused:
        publish(model, published, baseline)

    assert (version / "baseline.json").read_text() == "a baseline"
    assert problem(version) is None
    assert unfinished(published) == []


def blessed(type_):
    blessing = type_()
    blessing.set_int_custom_property("blessed", 1)
    return blessing


def test_a_model_whose_baseline_could_not_be_made_is_published_all_the_same(
    model, published, tmp_path
):
    trained = standard_artifacts.Model()
    trained.uri = str(tmp_path / "trained")
    shutil.copytree(model, tmp_path / "trained/Format-Serving")
    manifest.write(tmp_path / "trained", manifest.beside(tmp_path / "trained"))
    baseline = artifacts.Baseline()
    baseline.set_string_custom_property("problem", "there are no held-out rows")
    pushed_model = standard_artifacts.PushedModel()
    inputs = {
        "model": [trained],
        "model_blessing": [blessed(standard_artifacts.ModelBlessing)],
        "infra_blessing": [blessed(standard_artifacts.InfraBlessing)],
        "baseline": [baseline],
    }
    config = json_utils.dumps({"folder": str(published)})

    Executor().Do(inputs, {"pushed_model": [pushed_model]}, {"custom_config": config})

    [version] = published.iterdir()
    assert pushed_model.get_int_custom_property("pushed") == 1
    assert pushed_model.get_string_custom_property("by") == author()
    assert not (version / "baseline.json").exists()
    assert tree_sha256(version) == tree_sha256(model)
