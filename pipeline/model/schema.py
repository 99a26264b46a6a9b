"""The reviewed data contract (schema.pbtxt): which columns there are, of what type, and which of them are served."""

from pathlib import Path

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from pipeline.errors import ConfigurationError
from pipeline.model.folder import ModelFolder

SERVING = "SERVING"  # the schema environment that never-served columns are not in
TYPE_NAMES = {schema_pb2.INT: "INT", schema_pb2.FLOAT: "FLOAT", schema_pb2.BYTES: "BYTES"}
PYTHON_TYPES: dict[str, tuple[type, ...]] = {"INT": (int,), "FLOAT": (int, float), "BYTES": (str,)}


def parse(file: Path) -> schema_pb2.Schema:
    try:
        return text_format.Parse(file.read_text(), schema_pb2.Schema())
    except (UnicodeDecodeError, text_format.ParseError) as error:
        raise ConfigurationError(f"{file}: not a TensorFlow Metadata schema: {error}") from error


def columns(schema: schema_pb2.Schema) -> dict[str, str]:
    """Each raw column and its type: INT, FLOAT or BYTES."""
    return {feature.name: TYPE_NAMES[feature.type] for feature in schema.feature}


def served_columns(schema: schema_pb2.Schema) -> dict[str, str]:
    """The columns that a request may have, and their types."""
    return {
        f.name: TYPE_NAMES[f.type] for f in schema.feature if SERVING not in f.not_in_environment
    }


def read(folder: ModelFolder) -> schema_pb2.Schema:
    """The folder's schema, checked against what model.toml says of columns."""
    file = folder.path / "schema.pbtxt"
    schema = parse(file)
    if untyped := [f.name for f in schema.feature if f.type not in TYPE_NAMES]:
        raise ConfigurationError(
            f"{file}: the feature {untyped[0]} has no type, allowed are INT, FLOAT and BYTES"
        )
    known, served, declared = columns(schema), served_columns(schema), folder.declaration
    named = {
        "data.required": declared.data.required,
        "label.columns": declared.label.columns,
        "gate.slices": [s.feature for s in declared.gate.slices],
    }
    for key, names in named.items():
        if unknown := [name for name in names if name not in known]:
            raise ConfigurationError(
                f"{folder.path}/model.toml: {key} names {unknown[0]!r}, allowed are the features of schema.pbtxt: {', '.join(known)}"
            )
    if leaking := [name for name in declared.label.columns if name in served]:
        raise ConfigurationError(
            f'{file}: the feature {leaking[0]} makes the label, allowed is not_in_environment: "{SERVING}"'
        )
    for name, value in declared.serving.sample.items():
        if name not in served:
            raise ConfigurationError(
                f"{folder.path}/model.toml: serving.sample names {name!r}, allowed are the served features {', '.join(served)}"
            )
        if isinstance(value, bool) or not isinstance(value, PYTHON_TYPES[served[name]]):
            raise ConfigurationError(
                f"{folder.path}/model.toml: serving.sample.{name} is {value!r}, allowed is a value of type {served[name]}"
            )
    return schema
