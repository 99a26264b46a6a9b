"""From a SavedModel's folder and JSON instances to answers.

The server, the serving check and the tests ask it alike.

As a program it takes JSON lines: first the path of a model to load, and nothing where it is not
needed after all; then requests, {"instances": [...], "signature": name or absent}, which it answers
with {"predictions": [...]} or {"error": sentence}.
"""

import json
import math
import os
import signal
import sys
from pathlib import Path
from typing import Any

import tensorflow as tf
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

INT64 = range(-(2**63), 2**63)
LARGEST_FLOAT = 3.4028234e38
LIFE_SECONDS = 600  # of the program, once it has a model: more than anyone waits for it


class InstanceError(ValueError):
    """The model does not take an instance; the sentence names its place and the feature."""


class Engine:
    """A loaded model: `predict` maps instances to one answer each.

    An instance is raw features by name, null or absent where unknown.
    """

    def __init__(self, path: str | Path) -> None:
        self.signatures: dict[str, Any] = dict(tf.saved_model.load(str(path)).signatures)
        assets = Path(path) / "assets.extra"
        self.serving: dict[str, Any] = json.loads((assets / "serving.json").read_text())
        self.sample: dict[str, Any] = json.loads((assets / "sample.json").read_text())
        schema = text_format.Parse((assets / "schema.pbtxt").read_text(), schema_pb2.Schema())
        self.types = {f.name: f.type for f in schema.feature if f.name in self.serving["features"]}

    def predict(self, instances: list[Any], signature: str | None = None) -> list[Any]:
        """An answer an instance: the output's value.

        It is {output: value} where the signature has several.
        """
        name = self.signature(signature)
        return self.run(self.encode(instances), name) if instances else []

    def signature(self, name: str | None) -> str:
        """The signature with this name, or the model's default one."""
        name = self.serving["default_signature"] if name is None else name
        if name not in self.signatures:
            raise InstanceError(
                f"signature is {_shown(name)}, allowed are {', '.join(sorted(self.signatures))}"
            )
        return name

    def encode(self, instances: list[Any]) -> list[bytes]:
        """A record an instance, for `run`.

        It may stand in one batch with others' records.
        """
        return [self._example(place, instance) for place, instance in enumerate(instances)]

    def run(self, records: list[bytes], signature: str) -> list[Any]:
        tensors = self.signatures[signature](examples=tf.constant(records))
        columns: dict[str, list[Any]] = {}
        for key, tensor in sorted(tensors.items()):
            rows = tensor.numpy().reshape(len(records), -1).tolist()
            columns[key] = [_plain(row) for row in rows]
        if len(columns) == 1:
            return next(iter(columns.values()))
        return [
            dict(zip(columns, values, strict=True))
            for values in zip(*columns.values(), strict=True)
        ]

    def _example(self, place: int, instance: Any) -> bytes:
        if not isinstance(instance, dict):
            raise InstanceError(
                f"instance {place} is {_shown(instance)}, allowed is an object of features"
            )
        example = tf.train.Example()
        for name, value in instance.items():
            if name not in self.types:
                raise InstanceError(
                    f"instance {place}: the feature {_shown(name)} is unknown, "
                    f"allowed are {', '.join(self.types)}"
                )
            if value is not None:
                self._add(example.features.feature[name], place, name, value)
        record: bytes = example.SerializeToString()
        return record

    def _add(self, feature: Any, place: int, name: str, value: Any) -> None:
        kind = self.types[name]
        numeric = isinstance(value, int | float) and not isinstance(value, bool)
        if kind == schema_pb2.INT and numeric and float(value).is_integer() and int(value) in INT64:
            feature.int64_list.value.append(int(value))
        elif (
            kind == schema_pb2.FLOAT
            and numeric
            and math.isfinite(value)
            and abs(value) <= LARGEST_FLOAT
        ):
            feature.float_list.value.append(value)
        elif kind == schema_pb2.BYTES and isinstance(value, str):
            feature.bytes_list.value.append(value.encode("utf-8", "replace"))
        else:
            expectation = {
                schema_pb2.INT: "a whole number of 64 bits",
                schema_pb2.FLOAT: "a finite number",
                schema_pb2.BYTES: "a string",
            }[kind]
            raise InstanceError(
                f"instance {place}: the feature {name} is {_shown(value)}, "
                f"allowed is {expectation} or null"
            )


def _plain(values: list[Any]) -> Any:
    plain_values = [_decoded(value) for value in values]
    return plain_values[0] if len(plain_values) == 1 else plain_values


def _decoded(value: Any) -> Any:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def main() -> None:
    path = sys.stdin.readline()
    if not path:
        return
    # A model that hangs does not see that its client is gone: it must not outlive it for ever.
    signal.alarm(LIFE_SECONDS)
    engine = Engine(json.loads(path))
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer: dict[str, Any] = {
                "predictions": engine.predict(request["instances"], request.get("signature"))
            }
        except InstanceError as error:
            answer = {"error": str(error)}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
    # Every answer is flushed, and taking TensorFlow apart again would take longer than giving them.
    os._exit(0)
