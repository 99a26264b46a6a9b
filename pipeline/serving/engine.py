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

from pipeline.errors import ConfigurationError
from pipeline.serving import session
from pipeline.serving.examples import WRITERS, Encoder, shown
from pipeline.serving.examples import InstanceError as InstanceError

Json = dict[str, Any]
LIFE_SECONDS = 600  # of the program, once it has a model: more than anyone waits for it


class Engine:
    """A loaded model: `predict` maps instances to one answer each.

    An instance is raw features by name, null or absent where unknown, and may hold a row key.
    """

    def __init__(self, path: str | Path) -> None:
        self.signatures = session.load(str(path))
        assets = Path(path) / "assets.extra"
        self.serving = _read(assets / "serving.json")
        self.sample = _read(assets / "sample.json")
        self._check(assets)
        self.types: dict[str, str] = self.serving["features"]
        self._encoder = Encoder(self.types)

    def _check(self, assets: Path) -> None:
        """Raise ConfigurationError unless the Trainer's assets describe this model."""
        file = assets / "serving.json"
        signature = self.serving.get("default_signature")
        if signature not in self.signatures:
            names = ", ".join(sorted(self.signatures))
            raise ConfigurationError(
                f"{file}: default_signature is {shown(signature)}, allowed are {names}"
            )
        if not isinstance(self.serving.get("model"), str):
            raise ConfigurationError(
                f"{file}: model is {shown(self.serving.get('model'))}, allowed is the model's name"
            )
        types = self.serving.get("features")
        kinds = types.values() if isinstance(types, dict) else [types]
        if not all(isinstance(kind, str) and kind in WRITERS for kind in kinds):
            raise ConfigurationError(
                f"{file}: features is {shown(types)}, "
                f"allowed is an object of {', '.join(WRITERS)} by name"
            )

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
            raise InstanceError(f"signature is {shown(name)}, allowed are {names}")
        return name

    def encode(self, instances: list[Any]) -> list[bytes]:
        """Return a record for each instance; `run` takes records of several requests at once."""
        record = self._encoder.record
        return [record(place, instance) for place, instance in enumerate(instances)]

    def run(self, records: list[bytes], signature: str) -> list[Any]:
        outputs = self.signatures[signature](records)
        count = len(records)
        columns = {name: _column(output, count) for name, output in outputs.items()}
        if len(columns) == 1:
            [column] = columns.values()
            return column
        rows = zip(*columns.values(), strict=True)
        return [dict(zip(columns, row, strict=True)) for row in rows]


def _read(file: Path) -> Json:
    """The object in a JSON file; raises ConfigurationError for anything else."""
    try:
        content: Json = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:  # UnicodeDecodeError too
        raise ConfigurationError(f"{file} is no JSON ({error}), allowed is an object") from error
    if not isinstance(content, dict):
        raise ConfigurationError(f"{file} holds {shown(content)}, allowed is an object")
    return content


def _column(output: Any, count: int) -> list[Any]:
    """The output's values for `count` records, one a record."""
    if output.size == count and output.dtype != object:
        answers: list[Any] = output.reshape(count).tolist()
        return answers
    rows = output.reshape(count, -1)
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


def _answer(engine: Engine, request: Json) -> Json:
    try:
        predictions = engine.predict(request["instances"], request.get("signature"))
    except InstanceError as error:
        return {"error": str(error)}
    return {"predictions": predictions}


def main() -> None:
    session.import_no_more()
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
