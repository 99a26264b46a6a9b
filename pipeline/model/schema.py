"""The reviewed data contract (schema.pbtxt): columns, their types, and the served ones."""

from pathlib import Path

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from pipeline.errors import ConfigurationError
from pipeline.model.folder import ModelFolder
from pipeline.serving.row_key import ROW_KEY

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
    served_features = [f for f in schema.feature if SERVING not in f.not_in_environment]
    return {feature.name: TYPE_NAMES[feature.type] for feature in served_features}


def read(folder: ModelFolder) -> schema_pb2.Schema:
    """The folder's schema, checked against the columns in model.toml."""
    file = folder.path / "schema.pbtxt"
    schema = parse(file)
    for feature in schema.feature:
        if feature.name == ROW_KEY:
            raise ConfigurationError(
                f"{file}: a feature is named {ROW_KEY}, allowed is any other name: "
                "a request's row key has that one"
            )
        if feature.type not in TYPE_NAMES:
            raise ConfigurationError(
                f"{file}: the feature {feature.name} has no type, allowed are INT, FLOAT and BYTES"
            )
    served_types = served_columns(schema)
    _check_names(folder, columns(schema))
    for name in folder.declaration.label.columns:
        if name in served_types:
            raise ConfigurationError(
                f"{file}: the feature {name} makes the label, "
                f'allowed is not_in_environment: "{SERVING}"'
            )
    _check_sample(folder, served_types)
    return schema


def _check_names(folder: ModelFolder, types: dict[str, str]) -> None:
    """Refuse a column in model.toml that the schema does not have."""
    declaration = folder.declaration
    names_by_key = {
        "data.required": declaration.data.required,
        "label.columns": declaration.label.columns,
        "gate.slices": [part.feature for part in declaration.gate.slices],
    }
    for key, names in names_by_key.items():
        for name in names:
            if name not in types:
                raise ConfigurationError(
                    f"{folder.path}/model.toml: {key} names {name!r}, "
                    f"allowed are the features of schema.pbtxt: {', '.join(types)}"
                )


def _check_sample(folder: ModelFolder, served_types: dict[str, str]) -> None:
    for name, value in folder.declaration.serving.sample.items():
        if name not in served_types:
            raise ConfigurationError(
                f"{folder.path}/model.toml: serving.sample names {name!r}, "
                f"allowed are the served features {', '.join(served_types)}"
            )
        type_name = served_types[name]
        allowed_types = PYTHON_TYPES[type_name]
        if isinstance(value, bool) or not isinstance(value, allowed_types):
            raise ConfigurationError(
                f"{folder.path}/model.toml: serving.sample.{name} is {value!r}, "
                f"allowed is a value of type {type_name}"
            )
