"""The reviewed data contract (schema.pbtxt): columns, their types, and the served ones."""

from collections import Counter
from pathlib import Path

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from pipeline.errors import ConfigurationError
from pipeline.model import slices
from pipeline.model.declaration import Scalar
from pipeline.model.folder import ModelFolder
from pipeline.serving.numbers import INT64, LARGEST_FLOAT, is_float32
from pipeline.serving.row_key import ROW_KEY
from settings.values import cut, listed, shown

SERVING = "SERVING"  # the schema environment that never-served columns are not in
TIME_TYPES = ("INT", "BYTES")  # float32 rounds seconds since the epoch to two minutes
TYPE_NAMES = {schema_pb2.INT: "INT", schema_pb2.FLOAT: "FLOAT", schema_pb2.BYTES: "BYTES"}
PYTHON_TYPES: dict[str, tuple[type, ...]] = {"INT": (int,), "FLOAT": (int, float), "BYTES": (str,)}
FLOAT32_WHOLE = 2**24  # up to it, each whole number is a float32
ALLOWED = {
    "INT": f"an integer of 64 bits, from {INT64[0]} to {INT64[-1]}",
    "FLOAT": f"a finite number from {-LARGEST_FLOAT:.8g} to {LARGEST_FLOAT:.8g}",
    "BYTES": "text in quotes",
}


def parse(file: Path) -> schema_pb2.Schema:
    try:
        return text_format.Parse(file.read_text(encoding="utf-8"), schema_pb2.Schema())
    except (UnicodeDecodeError, text_format.ParseError) as error:
        raise ConfigurationError(
            f"{file}: not a TensorFlow Metadata schema: {cut(str(error), 200)}"
        ) from error


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
        if not feature.name:
            raise ConfigurationError(
                f"{file}: a feature has no name, allowed is the name of a column"
            )
        if feature.name == ROW_KEY:
            raise ConfigurationError(
                f"{file}: a feature is named {ROW_KEY}, allowed is any other name: "
                "a request's row key has that one"
            )
        if feature.type not in TYPE_NAMES:
            raise ConfigurationError(
                f"{file}: the feature {feature.name} has no type, allowed are INT, FLOAT and BYTES"
            )
    _refuse_twice(file, "the feature", [feature.name for feature in schema.feature])
    served_types = served_columns(schema)
    _check_names(folder, columns(schema))
    for name in folder.declaration.label.columns:
        if name in served_types:
            raise ConfigurationError(
                f"{file}: the feature {name} makes the label, "
                f'allowed is not_in_environment: "{SERVING}"'
            )
    _check_values(folder, served_types, columns(schema))
    _check_monitoring(folder, served_types, columns(schema))
    return schema


def _check_names(folder: ModelFolder, types: dict[str, str]) -> None:
    """Refuse a column in model.toml that the schema does not have."""
    declaration = folder.declaration
    names_by_key = {
        "data.required": declaration.data.required,
        "label.columns": declaration.label.columns,
        "gate.slices": [part.feature for part in declaration.gate.slices],
        "monitoring.personal": declaration.monitoring.personal,
    }
    if time_column := declaration.monitoring.time_column:
        names_by_key["monitoring.time_column"] = [time_column]
    for key, names in names_by_key.items():
        for name in names:
            if name not in types:
                raise ConfigurationError(
                    f"{folder.path}/model.toml: {key} names {shown(name)}, "
                    f"allowed are the features of schema.pbtxt: {listed(types)}"
                )


def _check_values(folder: ModelFolder, served_types: dict[str, str], types: dict[str, str]) -> None:
    """Refuse values in model.toml unfit for their columns."""
    for name, value in folder.declaration.serving.sample.items():
        if name not in served_types:
            raise ConfigurationError(
                f"{folder.path}/model.toml: serving.sample names {shown(name)}, "
                f"allowed are the served features {listed(served_types)}"
            )
        _check_value(folder, f"serving.sample.{name}", value, served_types[name])
    for place, part in enumerate(folder.declaration.gate.slices):
        key, type_name = f"gate.slices.{place}.value", types[part.feature]
        _check_value(folder, key, part.value, type_name)
        if type_name == "FLOAT" and _is_rounded(part.value):
            raise ConfigurationError(
                f"{folder.path}/model.toml: {key} is {part.value}, allowed are whole numbers "
                f"up to {FLOAT32_WHOLE}: a row's larger ones are rounded"
            )
    names = [slices.name(part.feature, part.value) for part in folder.declaration.gate.slices]
    _refuse_twice(folder.path / "model.toml", "gate.slices", names)


def _check_monitoring(
    folder: ModelFolder, served_types: dict[str, str], types: dict[str, str]
) -> None:
    """Refuse columns of [monitoring] that no request has, and a time column that holds no time."""
    monitoring = folder.declaration.monitoring
    file = f"{folder.path}/model.toml"
    for key, names in {"leave_out": monitoring.leave_out, "limits": monitoring.limits}.items():
        for name in names:
            if name not in served_types:
                raise ConfigurationError(
                    f"{file}: monitoring.{key} names {shown(name)}, "
                    f"allowed are the served features {listed(served_types)}"
                )
    for name in monitoring.limits:
        if name in monitoring.leave_out:
            raise ConfigurationError(
                f"{file}: monitoring.limits names {shown(name)}, "
                "allowed are columns that monitoring.leave_out does not name"
            )
    time_column = monitoring.time_column
    if time_column is not None and types[time_column] not in TIME_TYPES:
        raise ConfigurationError(
            f"{file}: monitoring.time_column names {shown(time_column)} of type "
            f"{types[time_column]}, allowed are INT (seconds since the epoch) "
            "and BYTES (ISO 8601 text)"
        )


def _refuse_twice(file: Path, key: str, names: list[str]) -> None:
    for name, count in Counter(names).items():
        if count > 1:
            raise ConfigurationError(
                f"{file}: {key} {shown(name)} is there {count} times, allowed is once"
            )


def _check_value(folder: ModelFolder, key: str, value: Scalar, type_name: str) -> None:
    if not is_of_type(value, type_name):
        raise ConfigurationError(
            f"{folder.path}/model.toml: {key} is {shown(value)}, "
            f"allowed is a value of type {type_name}: {ALLOWED[type_name]}"
        )


def _is_rounded(value: Scalar) -> bool:
    """Say whether float32 may not hold this very number, as somebody writes ids."""
    return isinstance(value, int) and abs(value) > FLOAT32_WHOLE


def is_of_type(value: Scalar, type_name: str) -> bool:
    """Say whether a tf.Example can hold the value in a column of this type, INT, FLOAT or BYTES."""
    if isinstance(value, bool) or not isinstance(value, PYTHON_TYPES[type_name]):
        return False
    if isinstance(value, str):
        return True
    return value in INT64 if type_name == "INT" else is_float32(value)
