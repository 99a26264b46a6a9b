"""From a SavedModel's folder and JSON instances to answers.

The server, the serving check and the tests ask it alike.

As a program it takes JSON lines: first the path of a model to load, and nothing where it is not
needed after all; then requests, {"instances": [...], "signature": name or absent}, which it answers
with {"predictions": [...]} or {"error": sentence}.
"""

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import tensorflow as tf
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from pipeline.serving.numbers import is_float32, is_int64
from pipeline.serving.row_key import MAXIMUM_CHARACTERS, ROW_KEY, is_row_key

Json = dict[str, Any]
EXPECTATIONS = {
    schema_pb2.INT: "a whole number of 64 bits",
    schema_pb2.FLOAT: "a finite number",
    schema_pb2.BYTES: "a string",
}
LIFE_SECONDS = 600  # of the program, once it has a model: more than anyone waits for it


class InstanceError(ValueError):
    """The model does not take an instance; the sentence names its place and the feature."""


class Engine:
    """A loaded model: `predict` maps instances to one answer each.

    An instance is raw features by name, null or absent where unknown, and may hold a row key.
    """

    def __init__(self, path: str | Path) -> None:
        model = tf.saved_model.load(str(path))
        self.signatures: dict[str, Any] = dict(model.signatures)
        assets = Path(path) / "assets.extra"
        self.serving = _read(assets / "serving.json")
        self.sample = _read(assets / "sample.json")
        schema_text = (assets / "schema.pbtxt").read_text(encoding="utf-8")
        schema = text_format.Parse(schema_text, schema_pb2.Schema())
        features = self.serving["features"]
        self.types = {f.name: f.type for f in schema.feature if f.name in features}

    def predict(self, instances: list[Any], signature: str | None = None) -> list[Any]:
        """Return for each instance the output's value, or {output: value} if there are several."""
        name = self.signature(signature)
        if not instances:
            return []
        records = self.encode(instances)
        return self.run(records, name)

    def signature(self, name: str | None) -> str:
        """The signature with this name, or the model's default one."""
        if name is None:
            name = self.serving["default_signature"]
        if name not in self.signatures:
            names = ", ".join(sorted(self.signatures))
            raise InstanceError(f"signature is {_shown(name)}, allowed are {names}")
        return name

    def encode(self, instances: list[Any]) -> list[bytes]:
        """Return a record for each instance; `run` takes records of several requests at once."""
        return [self._example(place, instance) for place, instance in enumerate(instances)]

    def run(self, records: list[bytes], signature: str) -> list[Any]:
        tensors = self.signatures[signature](examples=tf.constant(records))
        count = len(records)
        columns = {key: _column(tensor, count) for key, tensor in sorted(tensors.items())}
        if len(columns) == 1:
            [column] = columns.values()
            return column
        rows = zip(*columns.values(), strict=True)
        return [dict(zip(columns, row, strict=True)) for row in rows]

    def _example(self, place: int, instance: Any) -> bytes:
        if not isinstance(instance, dict):
            raise InstanceError(
                f"instance {place} is {_shown(instance)}, allowed is an object of features"
            )
        example = tf.train.Example()
        for name, value in instance.items():
            if name == ROW_KEY:
                _check_row_key(place, value)
                continue
            if name not in self.types:
                names = ", ".join(self.types)
                raise InstanceError(
                    f"instance {place}: the feature {_shown(name)} is unknown, allowed are {names}"
                )
            if value is not None:
                self._add(example.features.feature[name], place, name, value)
        record: bytes = example.SerializeToString()
        return record

    def _add(self, feature: Any, place: int, name: str, value: Any) -> None:
        kind = self.types[name]
        if kind == schema_pb2.INT and is_int64(value):
            feature.int64_list.value.append(int(value))
        elif kind == schema_pb2.FLOAT and is_float32(value):
            feature.float_list.value.append(value)
        elif kind == schema_pb2.BYTES and isinstance(value, str):
            text = value.encode("utf-8", "replace")
            feature.bytes_list.value.append(text)
        else:
            raise InstanceError(
                f"instance {place}: the feature {name} is {_shown(value)}, "
                f"allowed is {EXPECTATIONS[kind]} or null"
            )


def _check_row_key(place: int, value: Any) -> None:
    if not is_row_key(value):
        raise InstanceError(
            f"instance {place}: {ROW_KEY} is {_shown(value)}, "
            f"allowed is a string of 1 to {MAXIMUM_CHARACTERS} characters"
        )


def _read(file: Path) -> Json:
    content: Json = json.loads(file.read_text(encoding="utf-8"))
    return content


def _column(tensor: Any, count: int) -> list[Any]:
    """The output's values for `count` records, one a record."""
    rows = tensor.numpy().reshape(count, -1)
    return [_plain(row) for row in rows.tolist()]


def _plain(values: list[Any]) -> Any:
    plain_values = [_decoded(value) for value in values]
    if len(plain_values) == 1:
        return plain_values[0]
    return plain_values


def _decoded(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value


def _shown(value: Any) -> str:
    text = repr(value)
    if len(text) <= 80:
        return text
    return f"{text[:77]}..."


def _answer(engine: Engine, request: Json) -> Json:
    try:
        predictions = engine.predict(request["instances"], request.get("signature"))
    except InstanceError as error:
        return {"error": str(error)}
    return {"predictions": predictions}


def main() -> None:
    path = sys.stdin.readline()
    if not path:
        return
    # A model that hangs does not see that its client is gone: it must not outlive it for ever.
    signal.alarm(LIFE_SECONDS)
    engine = Engine(json.loads(path))
    for line in sys.stdin:
        request = json.loads(line)
        answer = _answer(engine, request)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
    # Every answer is flushed, and taking TensorFlow apart again would take longer than giving them.
    os._exit(0)
