"""The reviewed data contract (schema.pbtxt): columns, their types, and the served ones."""

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
    """The columns allowed in a request, and their types."""
    return {
        f.name: TYPE_NAMES[f.type] for f in schema.feature if SERVING not in f.not_in_environment
    }


def read(folder: ModelFolder) -> schema_pb2.Schema:
    """The folder's schema, checked against the columns in model.toml."""
    file = folder.path / "schema.pbtxt"
    schema = parse(file)
    if untyped_names := [f.name for f in schema.feature if f.type not in TYPE_NAMES]:
        raise ConfigurationError(
            f"{file}: the feature {untyped_names[0]} has no type, allowed are INT, FLOAT and BYTES"
        )
    types, served_types, declaration = columns(schema), served_columns(schema), folder.declaration
    names_by_key = {
        "data.required": declaration.data.required,
        "label.columns": declaration.label.columns,
        "gate.slices": [s.feature for s in declaration.gate.slices],
    }
    for key, names in names_by_key.items():
        if unknown_names := [name for name in names if name not in types]:
            raise ConfigurationError(
                f"{folder.path}/model.toml: {key} names {unknown_names[0]!r}, "
                f"allowed are the features of schema.pbtxt: {', '.join(types)}"
            )
    if leaking_names := [name for name in declaration.label.columns if name in served_types]:
        raise ConfigurationError(
            f"{file}: the feature {leaking_names[0]} makes the label, "
            f'allowed is not_in_environment: "{SERVING}"'
        )
    for name, value in declaration.serving.sample.items():
        if name not in served_types:
            raise ConfigurationError(
                f"{folder.path}/model.toml: serving.sample names {name!r}, "
                f"allowed are the served features {', '.join(served_types)}"
            )
        if isinstance(value, bool) or not isinstance(value, PYTHON_TYPES[served_types[name]]):
            raise ConfigurationError(
                f"{folder.path}/model.toml: serving.sample.{name} is {value!r}, "
                f"allowed is a value of type {served_types[name]}"
            )
    return schema
