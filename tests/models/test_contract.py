"""The contract of every model folder: it reads its data, makes features without nulls, trains a step and answers, alone."""

import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft

from pipeline import local_run, model_folder, schema
from pipeline.records import tracking
from pipeline.serving.engine import Engine
from tests.pipeline.conftest import ROWS, copy_small, edit, newest, states


@pytest.fixture(scope="module")
def model(request, tmp_path_factory):
    """The folder copied to a place that holds only itself, and a run of one training step there."""
    place = tmp_path_factory.mktemp(request.param)
    path = copy_small(request.param, place)
    edit(path / "model.toml", r"(?s)(\[training\].*?)steps = 50", r"\1steps = 1")
    folder = model_folder.load(str(path))
    with tracking.started(place / "runs") as tracker:
        return folder, place / "runs/store" / request.param, local_run.run(folder, place / "runs", tracker)


def rows(folder: Path, split: str, spec) -> dict[str, np.ndarray]:
    data = tf.data.TFRecordDataset(tf.io.gfile.glob(f"{folder}/Split-{split}/*"), compression_type="GZIP").batch(10_000)
    [batch] = [tf.io.parse_example(records, spec) for records in data]
    return {name: value.numpy() for name, value in batch.items()}


def test_a_step_is_trained_and_the_model_judged(model):
    _, _, summary = model

    assert summary["error"] is None
    assert states(summary)["Trainer"] == states(summary)["Evaluator"] == states(summary)["ServingCheck"] == "ran"


def test_no_row_is_lost_between_source_and_features(model):
    folder, store, summary = model
    output = tft.TFTransformOutput(str(newest(store, "Transform", "transform_graph")))
    examples = newest(store, "Transform", "transformed_examples")

    counts = [len(rows(examples, split, output.transformed_feature_spec())[folder.declaration.label.name]) for split in ("train", "eval")]

    data = summary["records"]["data"]
    assert sum(counts) == data["rows"] == ROWS - data["rows_dropped"]
    assert 1.5 < counts[0] / counts[1] < 2.7


def test_features_are_dense_numbers_without_nulls_and_the_label_has_both_classes(model):
    folder, store, _ = model
    output = tft.TFTransformOutput(str(newest(store, "Transform", "transform_graph")))

    features = rows(newest(store, "Transform", "transformed_examples"), "train", output.transformed_feature_spec())

    label = features.pop(folder.declaration.label.name)
    assert label.dtype == np.int64 and set(label) == {0, 1}
    assert {v.dtype for v in features.values()} <= {np.dtype("float32"), np.dtype("int64")}
    assert all(v.ndim == 1 and np.isfinite(v).all() for v in features.values())
    assert not set(folder.declaration.label.columns) & set(features)


def test_preprocessing_takes_missing_and_unknown_values(model):
    folder, store, _ = model
    layer = tft.TFTransformOutput(str(newest(store, "Transform", "transform_graph"))).transform_features_layer()
    raw = tft.TFTransformOutput(str(newest(store, "Transform", "transform_graph"))).raw_feature_spec()
    unknown = tf.train.Example()
    for name, kind in schema.columns(schema.read(folder)).items():
        if kind == "BYTES":
            unknown.features.feature[name].bytes_list.value.append(b"never seen \xff")

    features = layer(tf.io.parse_example([b"", unknown.SerializeToString()], raw))

    assert all(np.isfinite(value.numpy()).all() and value.shape == (2,) for value in features.values())


def test_the_exported_model_answers_its_sample_by_every_signature(model):
    folder, store, _ = model
    engine = Engine(newest(store, "Trainer", "model") / "Format-Serving")

    [score] = engine.predict([folder.declaration.serving.sample])
    [features] = engine.predict([folder.declaration.serving.sample], "transform_features")

    assert 0 <= score <= 1
    assert len(features) > 1 and all(isinstance(value, int | float) for value in features.values())
    assert set(engine.types) == set(schema.served_columns(schema.read(folder)))


def test_the_shipped_hyperparameters_are_of_the_declared_space(model):
    folder, _, _ = model

    assert json.loads((folder.path / "hyperparameters/best.json").read_text()).keys() == folder.declaration.tuning.space.keys()


def test_the_query_asks_for_every_column_of_the_schema(model):
    folder, _, _ = model
    query = (folder.path / "query.sql").read_text()

    assert "@begin" in query and "@end" in query
    assert [name for name in schema.columns(schema.read(folder)) if name not in query] == []
