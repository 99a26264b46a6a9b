"""Artifacts get their manifests when they are made, and nothing damaged is taken."""

from pathlib import Path

import pytest
from tfx.dsl.input_resolution.strategies import latest_blessed_model_strategy
from tfx.types import artifact_utils, standard_artifacts

from pipeline import manifest
from pipeline.errors import RunError
from pipeline.job import tfx_patches
from pipeline.local import artifact_check


@pytest.fixture
def store(tmp_path):
    return tmp_path / "store"


def make(folder, content="content"):
    """Have an executor make an artifact."""
    with artifact_check.filled([folder]):
        folder.mkdir(parents=True)
        (folder / "file").write_text(content)
    return folder


def model(folder, id_):
    """A model's artifact as the store records it."""
    artifact = standard_artifacts.Model()
    artifact.uri = str(make(folder))
    artifact.id = id_
    return artifact


def blessing(id_):
    artifact = standard_artifacts.ModelBlessing()
    artifact.set_int_custom_property("current_model_id", id_)
    artifact.set_int_custom_property("blessed", 1)
    return artifact


def last_blessed(artifacts):
    """The model that TFX's resolver takes."""
    strategy = latest_blessed_model_strategy.LatestBlessedModelStrategy()
    resolved = strategy.resolve_artifacts(None, artifacts)
    return [artifact.id for artifact in resolved["model"]]


def test_what_an_executor_made_is_checked_by_its_manifest(store):
    folder = make(store / "Trainer/model/1")
    problems = artifact_check.Problems()

    first_problem = problems.of(folder)
    (folder / "file").unlink()
    second_problem = problems.of(folder)

    assert first_problem is None
    assert second_problem == "file is missing"
    assert list(problems.sentences()) == [f"{folder} is not used any more: file is missing"]


def test_an_executor_finds_nothing_of_an_earlier_one_of_its_number(store):
    folder = store / "Trainer/model/1"
    folder.mkdir(parents=True)
    (folder / "older").touch()

    make(folder)

    assert [path.name for path in folder.iterdir()] == ["file"]


def test_an_executor_that_fails_leaves_nothing(store):
    folder = make(store / "Trainer/model/1")

    with pytest.raises(ValueError), artifact_check.filled([folder]):
        folder.mkdir()
        raise ValueError

    assert list(folder.parent.iterdir()) == []


def test_a_store_from_before_there_were_manifests_is_taken_as_it_is(store):
    folder = make(store / "Trainer/model/1")
    manifest.beside(folder).unlink()

    artifact_check.adopt(store)

    assert artifact_check.Problems().of(folder) is None


def test_a_removed_manifest_is_not_written_again_in_a_store_that_has_others(store):
    make(store / "Transform/transform_graph/1")
    folder = make(store / "Trainer/model/2")
    manifest.beside(folder).unlink()

    artifact_check.adopt(store)

    assert artifact_check.Problems().of(folder) is not None


def test_tfxs_cache_takes_no_damaged_artifact(store):
    artifact = model(store / "Trainer/model/1", 1)
    Path(artifact.uri, "file").write_text("contenu", encoding="utf-8")

    artifact_utils.verify_artifacts({"model": [artifact]})
    checked = tfx_patches.artifacts_checked(artifact_check.Problems().of)
    with checked, pytest.raises(RuntimeError, match="file has another content"):
        artifact_utils.verify_artifacts({"model": [artifact]})


def test_tfxs_resolver_takes_the_newest_whole_model(store):
    models = [model(store / f"Trainer/model/{id_}", id_) for id_ in (1, 2, 3)]
    blessings = [blessing(id_) for id_ in (1, 2, 3)]
    Path(models[2].uri, "file").unlink()
    artifacts = {"model": models, "model_blessing": blessings}

    unchecked_ids = last_blessed({**artifacts, "model": list(models)})
    with tfx_patches.artifacts_checked(artifact_check.Problems().of):
        checked_ids = last_blessed(artifacts)

    assert unchecked_ids == [3]
    assert checked_ids == [2]


def test_tfxs_resolver_takes_none_where_none_is_whole(store):
    damaged_model = model(store / "Trainer/model/1", 1)
    Path(damaged_model.uri, "file").unlink()

    with tfx_patches.artifacts_checked(artifact_check.Problems().of):
        ids = last_blessed({"model": [damaged_model], "model_blessing": [blessing(1)]})

    assert ids == []


def test_the_pusher_takes_no_damaged_model(store):
    from pipeline.components import pusher

    damaged_model = make(store / "Trainer/model/1")
    (damaged_model / "file").unlink()

    with pytest.raises(
        RunError, match=r"is not published, since it is damaged \(file is missing\)"
    ):
        pusher._refuse_damaged(damaged_model)
