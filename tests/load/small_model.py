"""A SavedModel as the Trainer leaves one, made without a training.

    python -m tests.load.small_model FOLDER

Its score grows with the fare; `transform_features` answers the features that it saw.
"""

import json
import sys
from pathlib import Path

SCHEMA = """
feature { name: "fare" type: FLOAT }
feature { name: "hour" type: INT }
feature { name: "company" type: BYTES }
"""
SAMPLE = {"fare": 9.5, "hour": 8, "company": "Blue"}
SERVING = {
    "model": "small",
    "features": {"fare": "FLOAT", "hour": "INT", "company": "BYTES"},
    "default_signature": "serving_default",
    "output_range": [0, 1],
}


def save(folder: Path) -> None:
    import tensorflow as tf

    spec = {
        "fare": tf.io.FixedLenFeature([], tf.float32, 0.0),
        "hour": tf.io.FixedLenFeature([], tf.int64, 0),
        "company": tf.io.FixedLenFeature([], tf.string, ""),
    }
    examples_spec = tf.TensorSpec([None], tf.string, name="examples")

    @tf.function(input_signature=[examples_spec])
    def features(examples):
        return tf.io.parse_example(examples, spec)

    @tf.function(input_signature=[examples_spec])
    def score(examples):
        parsed = tf.io.parse_example(examples, spec)
        return {"score": tf.sigmoid(parsed["fare"] / 100)}

    module = tf.Module()
    signatures = {"serving_default": score, "transform_features": features}
    tf.saved_model.save(module, str(folder), signatures=signatures)
    assets = folder / "assets.extra"
    assets.mkdir()
    (assets / "schema.pbtxt").write_text(SCHEMA)
    (assets / "sample.json").write_text(json.dumps(SAMPLE))
    (assets / "serving.json").write_text(json.dumps(SERVING))


if __name__ == "__main__":
    save(Path(sys.argv[1]))
