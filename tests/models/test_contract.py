"""The contract of every model folder: it reads its data, makes features without nulls, and answers.

The folder stands alone and trains a step, on rows that a hash chooses among all that it has.
"""

import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest
import tensorflow as tf
import tensorflow_transform as tft

from pipeline.local import runs
from pipeline.model import schema
from pipeline.model.csv_file.table import read_csv
from pipeline.model.folder import ModelFolder
from pipeline.serving.engine import Engine
from pipeline.tracking import sender
from tests.models.conftest import TEAMS

ROWS = 5000  # at most: enough to meet a class that one row in a thousand has


@dataclass
class Model:
    folder: ModelFolder
    row_count: int  # of its source
    store: Path
    summary: dict[str, Any]

    def artifact(self, node: str, key: str) -> Path:
        """The artifact of the run's node under this key."""
        folder = self.store / node / key
        folders = [path for path in folder.iterdir() if path.is_dir()]  # and their manifests
        return max(folders, key=lambda path: int(path.name))

    def transform(self) -> tft.TFTransformOutput:
        graph = self.artifact("Transform", "transform_graph")
        return tft.TFTransformOutput(str(graph))

    def features(self, split: str) -> dict[str, np.ndarray]:
        """The transformed rows of a split, by feature."""
        examples = self.artifact("Transform", "transformed_examples")
        files = tf.io.gfile.glob(f"{examples}/Split-{split}/*")
        dataset = tf.data.TFRecordDataset(files, compression_type="GZIP")
        [records] = dataset.batch(ROWS)
        spec = self.transform().transformed_feature_spec()
        batch = tf.io.parse_example(records, spec)
        return {name: value.numpy() for name, value in batch.items()}

    def columns(self) -> dict[str, str]:
        return schema.columns(schema.read(self.folder))


@pytest.fixture(scope="module")
def model(request, tmp_path_factory):
    """A run of one training step, in a place with the model's files and nothing else."""
    name = request.param
    place = tmp_path_factory.mktemp(name)
    output, rows = place / "runs", place / "rows.csv"
    folder = isolated_copy(TEAMS / name, place)
    row_count = write_sample(TEAMS / name, rows)
    folder.declaration = shortened(folder.declaration, rows)
    with sender.started(output) as tracker:
        summary = runs.run(folder, output, tracker)
    return Model(folder, row_count, output / "store" / name, summary)


def isolated_copy(path: Path, place: Path) -> ModelFolder:
    """The model, its files copied to a folder of the same name in `place`."""
    folder = place / path.name
    for name in ModelFolder.FILES:
        source, target = path / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    return ModelFolder.load(str(folder))


def write_sample(path: Path, file: Path) -> int:
    """Write as many rows of the model's data as there are, ROWS at most, and count them."""
    folder = ModelFolder.load(str(path))
    columns = schema.columns(schema.read(folder))
    table = read_csv(folder.source, columns, folder.declaration.data.null_values)
    numbers = sorted(range(table.num_rows), key=digest)
    sampled_numbers = sorted(numbers[:ROWS])
    rows = table.take(pa.array(sampled_numbers))
    pa.csv.write_csv(rows, file)
    return rows.num_rows


def digest(number: int) -> bytes:
    return hashlib.sha256(b"%d" % number).digest()


def shortened(declaration: Any, rows: Path) -> Any:
    """The declaration over those rows, with a step of training and no bound by slice."""
    source = {"source": str(rows), "null_values": [""], "minimum_rows": 1}
    data = declaration.data.model_copy(update=source)
    training = declaration.training.model_copy(update={"steps": 1, "eval_steps": 10})
    gate = declaration.gate.model_copy(update={"slices": []})
    return declaration.model_copy(update={"data": data, "training": training, "gate": gate})


def test_a_step_is_trained_and_the_model_judged(model):
    states = {node["id"]: node["state"] for node in model.summary["nodes"]}

    assert model.summary["error"] is None
    assert states["Trainer"] == "ran"
    assert states["Evaluator"] == "ran"
    assert states["ServingCheck"] == "ran"


def test_no_row_is_lost_between_source_and_features(model):
    label = model.folder.declaration.label.name
    data = model.summary["records"]["data"]
    row_count, dropped_count = data["rows"], data["rows_dropped"]

    train_features = model.features("train")
    eval_features = model.features("eval")

    train_count = len(train_features[label])
    eval_count = len(eval_features[label])
    assert train_count + eval_count == row_count
    assert row_count + dropped_count == model.row_count
    expected_count = row_count * 2 / 3
    five_sigma = 5 * (row_count * 2 / 9) ** 0.5
    assert abs(train_count - expected_count) < five_sigma


def test_features_are_dense_numbers_without_nulls_and_the_label_has_both_classes(model):
    declared = model.folder.declaration.label

    features = model.features("train")

    label = features.pop(declared.name)
    assert label.dtype == np.int64
    assert set(label) == {0, 1}
    for name, value in features.items():
        assert value.dtype in (np.float32, np.int64), name
        assert value.ndim == 1, name
        assert np.isfinite(value).all(), name
    assert features.keys().isdisjoint(declared.columns)


def test_preprocessing_takes_missing_and_unknown_values(model):
    transform = model.transform()
    layer = transform.transform_features_layer()
    missing, unknown = tf.train.Example(), tf.train.Example()
    for name, kind in model.columns().items():
        if kind == "BYTES":
            feature = unknown.features.feature[name]
            feature.bytes_list.value.append(b"never seen \xff")
    examples = [missing.SerializeToString(), unknown.SerializeToString()]

    features = layer(tf.io.parse_example(examples, transform.raw_feature_spec()))

    for name, value in features.items():
        assert value.shape == (2,), name
        assert np.isfinite(value.numpy()).all(), name


def test_the_exported_model_answers_its_sample_by_every_signature(model):
    folder = model.artifact("Trainer", "model")
    engine = Engine(folder / "Format-Serving")
    instance = model.folder.declaration.serving.sample
    served_columns = schema.served_columns(schema.read(model.folder))

    [score] = engine.predict([instance])
    [features] = engine.predict([instance], "transform_features")

    assert 0 <= score <= 1
    assert len(features) > 1
    for value in features.values():
        assert isinstance(value, (int, float))
    assert set(engine.types) == set(served_columns)


def test_the_shipped_hyperparameters_are_of_the_declared_space(model):
    file = model.folder.path / "hyperparameters/best.json"
    best = json.loads(file.read_text())
    space = model.folder.declaration.tuning.space

    assert best.keys() == space.keys()


def test_the_query_asks_for_every_column_of_the_schema(model):
    file = model.folder.path / "query.sql"
    query = file.read_text()

    assert "@begin" in query
    assert "@end" in query
    for name in model.columns():
        assert name in query
