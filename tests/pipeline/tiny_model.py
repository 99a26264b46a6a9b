"""Models without a training, whose score is a function of a row, and rows for them."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path

import tensorflow as tf

LAST = 1_400_000_000  # when the last row of an old model happened
LAST_TEXT = "2014-05-13T16:53:20Z"
RAW = {
    "when": tf.io.FixedLenFeature([], tf.int64, 0),
    "x": tf.io.FixedLenFeature([], tf.float32, 0.0),
    "late": tf.io.FixedLenFeature([], tf.int64, 0),
}
Columns = dict[str, tf.Tensor]


def export(artifact: Path, score: Callable[[Columns], tf.Tensor]) -> Path:
    """Write the model as a Trainer's artifact."""
    module = tf.Module()
    signature = [tf.TensorSpec([None], tf.string, name="examples")]

    @tf.function(input_signature=signature)
    def serving_default(examples):
        return {"score": score(tf.io.parse_example(examples, RAW))}

    @tf.function(input_signature=signature)
    def transform_features(examples):
        return {"late": tf.io.parse_example(examples, RAW)["late"]}

    signatures = {"serving_default": serving_default, "transform_features": transform_features}
    tf.saved_model.save(module, str(artifact / "Format-Serving"), signatures=signatures)
    return artifact


def note_last_time(artifact: Path) -> Path:
    """Write down that the model's rows ended at LAST, as the Trainer does."""
    file = artifact / "Format-Serving/assets.extra/window.json"
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps({"last": LAST_TEXT}))
    return file


def example(when: int | None, late: int, x: float) -> bytes:
    feature = {
        "when": {"int64_list": {"value": [] if when is None else [when]}},
        "late": {"int64_list": {"value": [late]}},
        "x": {"float_list": {"value": [x]}},
    }
    return tf.train.Example(features={"feature": feature}).SerializeToString()


def rows_after(time: int, count: int, positives: int) -> list[bytes]:
    """Rows of which x ranks nine in ten by their label."""
    rows = []
    for number in range(count):
        late = int(number < positives)
        is_odd = number % 10 == 0
        x = 0.3 + 0.4 * (late ^ is_odd) + number / 10_000
        rows.append(example(time + 1 + number, late, x))
    return rows


def write(folder: Path, rows: Iterable[bytes]) -> Path:
    """Write the rows as a split of examples has them."""
    folder.mkdir(parents=True, exist_ok=True)
    options = tf.io.TFRecordOptions(compression_type="GZIP")
    with tf.io.TFRecordWriter(f"{folder}/data_tfrecord-00000-of-00001.gz", options) as writer:
        for row in rows:
            writer.write(row)
    return folder
