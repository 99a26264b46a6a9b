"""The tables of a stand-in for BigQuery, and its refusals of loads and queries."""

from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.parquet

Body = dict[str, Any]
PARQUET_TYPES = {"INT64": "INT64", "FLOAT64": "DOUBLE", "STRING": "BYTE_ARRAY"}
WORDS = {403: ("accessDenied", "PERMISSION_DENIED"), 404: ("notFound", "NOT_FOUND")}
TABLE_REFERENCE = ("projectId", "datasetId", "tableId")


class Refused(Exception):  # noqa: N818
    """Answered with this status, as Google words it."""

    def __init__(self, code: int, message: str) -> None:
        reason, status = WORDS.get(code, ("invalid", "INVALID_ARGUMENT"))
        self.code = code
        self.result = {"reason": reason, "message": message}
        error = {"code": code, "message": message, "status": status, "errors": [self.result]}
        self.body = {"error": error}


@dataclass
class Table:
    rows: pa.Table
    resource: Body  # schema, description and labels
    modified: int = field(default=0, compare=False)  # milliseconds since the epoch


def reference(name: str) -> Body:
    """The resource's reference to PROJECT.DATASET.TABLE."""
    parts = name.split(".")
    return dict(zip(TABLE_REFERENCE, parts, strict=True))


def check_properties(properties: Body, resource: Body) -> None:
    """Refuse a load's change of a table's own properties."""
    for key, value in properties.items():
        if resource.get(key) != value:
            raise Refused(400, "Cannot change the properties of an existing table by a load job")


def check(schema: pa.parquet.ParquetSchema, fields: list[Body]) -> None:
    """Refuse a column with another type in the file than in the table's schema."""
    columns = [schema.column(number) for number in range(len(schema))]
    types = {column.name: column.physical_type for column in columns}
    for field_ in fields:
        name = field_["name"]
        kind = field_["type"]
        written_kind = types.get(name)
        if written_kind != PARQUET_TYPES[kind]:
            raise Refused(
                400,
                (
                    f"Error while reading data, error message: Parquet column '{name}' has type "
                    f"{written_kind} which does not match the target cpp_type {kind}."
                ),
            )
