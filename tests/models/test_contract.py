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

from pipeline.components.csv_example_gen import read_csv
from pipeline.local import runs
from pipeline.model import schema
from pipeline.model.folder import ModelFolder
from pipeline.reports import tracking
from pipeline.serving.engine import Engine
from tests.models.conftest import TEAMS

ROWS = 5000  # at most: enough to meet a class that one row in a thousand has


@dataclass
class Model:
    folder: ModelFolder
    rows: int  # that it was given
    store: Path
    summary: dict[str, Any]

    def artifact(self, node: str, key: str) -> Path:
        """The artifact of the run's node under that key."""
        return max((self.store / node / key).iterdir(), key=lambda path: int(path.name))

    def transform(self) -> tft.TFTransformOutput:
        return tft.TFTransformOutput(str(self.artifact("Transform", "transform_graph")))

    def features(self, split: str) -> dict[str, np.ndarray]:
        """The transformed rows of a split, by feature."""
        files = tf.io.gfile.glob(
            f"{self.artifact('Transform', 'transformed_examples')}/Split-{split}/*"
        )
        records = tf.data.TFRecordDataset(files, compression_type="GZIP").batch(ROWS)
        [batch] = [
            tf.io.parse_example(each, self.transform().transformed_feature_spec())
            for each in records
        ]
        return {name: value.numpy() for name, value in batch.items()}


@pytest.fixture(scope="module")
def model(request, tmp_path_factory):
    """A run of one training step, in a place with the model's files and nothing else."""
    place = tmp_path_factory.mktemp(request.param)
    folder = alone(TEAMS / request.param, place)
    rows = sample(ModelFolder.load(str(TEAMS / request.param)), place / "rows.csv")
    folder.declaration = shortened(folder.declaration, place / "rows.csv")
    with tracking.started(place / "runs") as tracker:
        summary = runs.run(folder, place / "runs", tracker)
    return Model(folder, rows, place / "runs/store" / request.param, summary)


def alone(path: Path, place: Path) -> ModelFolder:
    """The model, its files copied to a folder of that name in `place`."""
    for file in ModelFolder.FILES:
        (place / path.name / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path / file, place / path.name / file)
    return ModelFolder.load(str(place / path.name))


def sample(folder: ModelFolder, file: Path) -> int:
    """Write as many rows of the model's data as there are, ROWS at most, and count them."""
    columns = schema.columns(schema.read(folder))
    table = read_csv(folder.source, columns, folder.declaration.data.null_values)
    numbers = sorted(range(table.num_rows), key=lambda n: hashlib.sha256(b"%d" % n).digest())
    rows = table.take(pa.array(sorted(numbers[:ROWS])))
    pa.csv.write_csv(rows, file)
    return rows.num_rows


def shortened(declaration: Any, rows: Path) -> Any:
    """The declaration over those rows, with a step of training and no bound by slice."""
    source = {"format": "csv", "source": str(rows), "null_values": [""], "minimum_rows": 1}
    return declaration.model_copy(
        update={
            "data": declaration.data.model_copy(update=source),
            "training": declaration.training.model_copy(update={"steps": 1, "eval_steps": 10}),
            "gate": declaration.gate.model_copy(update={"slices": []}),
        }
    )


def test_a_step_is_trained_and_the_model_judged(model):
    states = {node["id"]: node["state"] for node in model.summary["nodes"]}

    assert model.summary["error"] is None
    assert states["Trainer"] == "ran"
    assert states["Evaluator"] == "ran"
    assert states["ServingCheck"] == "ran"


def test_no_row_is_lost_between_source_and_features(model):
    label = model.folder.declaration.label.name

    train, held_out = (len(model.features(split)[label]) for split in ("train", "eval"))

    data = model.summary["records"]["data"]
    assert train + held_out == data["rows"]
    assert data["rows"] == model.rows - data["rows_dropped"]
    assert abs(train - data["rows"] * 2 / 3) < 5 * (data["rows"] * 2 / 9) ** 0.5  # five sigma


def test_features_are_dense_numbers_without_nulls_and_the_label_has_both_classes(model):
    declared = model.folder.declaration.label

    features = model.features("train")

    label = features.pop(declared.name)
    assert label.dtype == np.int64
    assert set(label) == {0, 1}
    assert {v.dtype for v in features.values()} <= {np.dtype("float32"), np.dtype("int64")}
    assert [name for name, value in features.items() if value.ndim != 1] == []
    assert [name for name, value in features.items() if not np.isfinite(value).all()] == []
    assert set(declared.columns) & set(features) == set()


def test_preprocessing_takes_missing_and_unknown_values(model):
    layer, raw = model.transform().transform_features_layer(), model.transform().raw_feature_spec()
    unknown = tf.train.Example()
    for name, kind in schema.columns(schema.read(model.folder)).items():
        if kind == "BYTES":
            unknown.features.feature[name].bytes_list.value.append(b"never seen \xff")

    features = layer(tf.io.parse_example([b"", unknown.SerializeToString()], raw))

    assert [name for name, value in features.items() if value.shape != (2,)] == []
    assert [n for n, value in features.items() if not np.isfinite(value.numpy()).all()] == []


def test_the_exported_model_answers_its_sample_by_every_signature(model):
    engine = Engine(model.artifact("Trainer", "model") / "Format-Serving")
    instance = model.folder.declaration.serving.sample

    [score] = engine.predict([instance])
    [features] = engine.predict([instance], "transform_features")

    assert 0 <= score <= 1
    assert len(features) > 1
    assert all(isinstance(value, int | float) for value in features.values())
    assert set(engine.types) == set(schema.served_columns(schema.read(model.folder)))


def test_the_shipped_hyperparameters_are_of_the_declared_space(model):
    best = json.loads((model.folder.path / "hyperparameters/best.json").read_text())

    assert best.keys() == model.folder.declaration.tuning.space.keys()


def test_the_query_asks_for_every_column_of_the_schema(model):
    query = (model.folder.path / "query.sql").read_text()

    assert "@begin" in query
    assert "@end" in query
    assert [name for name in schema.columns(schema.read(model.folder)) if name not in query] == []
