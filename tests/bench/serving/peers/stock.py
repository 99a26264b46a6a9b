"""The stock signature as the peers' servers ask it: eager, one tf.train.Example a row."""

import json
from pathlib import Path
from typing import Any

import tensorflow as tf


class Model:
    def __init__(self, folder: str) -> None:
        loaded = tf.saved_model.load(folder)
        self._signature = loaded.signatures["serving_default"]
        serving = json.loads((Path(folder) / "assets.extra/serving.json").read_text())
        self._kinds = serving["features"]

    def answers(self, instances: list[dict[str, Any]]) -> list[float]:
        records = [self._record(instance) for instance in instances]
        tensors = self._signature(examples=tf.constant(records))
        [scores] = tensors.values()
        answers: list[float] = scores.numpy().tolist()
        return answers

    def _record(self, instance: dict[str, Any]) -> bytes:
        features = {name: self._feature(name, value) for name, value in instance.items()}
        example = tf.train.Example(features=tf.train.Features(feature=features))
        record: bytes = example.SerializeToString()
        return record

    def _feature(self, name: str, value: Any) -> tf.train.Feature:
        kind = self._kinds[name]
        if kind == "INT":
            return tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))
        if kind == "FLOAT":
            return tf.train.Feature(float_list=tf.train.FloatList(value=[value]))
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value.encode()]))
