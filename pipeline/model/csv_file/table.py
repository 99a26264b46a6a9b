"""A CSV's rows as Arrow's record batches, typed as the schema says."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.csv

from pipeline.errors import DataError
from pipeline.model.csv_file import content, faults, header, parsing, quotes, widths
from pipeline.model.csv_file.text import trimmed

ARROW_TYPES = {"INT": pa.int64(), "FLOAT": pa.float64(), "BYTES": pa.string()}


def column_names(path: Path) -> list[str]:
    """The column names in the file's header."""
    with _naming(path):
        text = _text(path)
        return header.names(text)


def read_csv(path: Path, columns: dict[str, str] | None, null_values: list[str]) -> pa.Table:
    """The rows of a .csv, .csv.gz or .csv.zip, typed by `columns`.

    `columns` maps a name to INT, FLOAT or BYTES; with None the types are guessed. Each number is
    one that a request may hold, too. DataError names the file and its fault.
    """
    with _naming(path):
        text = _text(path)
        names = header.names(text)
        widths.check(text, names)
        if columns is None:
            types = _guessed_types(text, names, null_values)
        else:
            header.check(names, columns)
            types = {name: ARROW_TYPES[kind] for name, kind in columns.items()}
        options = _options(types, null_values)
        table = parsing.parsed(text, names, options)
        if not table.num_rows:
            raise DataError("there is a header and no row, allowed is at least one")
        quotes.check(text, table)
        _check_numbers(text, table)
        return table


def _text(path: Path) -> bytes:
    file_content = content.read(path)
    return trimmed(file_content)


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Put the file's name before a fault's sentence."""
    try:
        yield
    except DataError as error:
        raise DataError(f"{path}: {error}") from error


def _guessed_types(text: bytes, names: list[str], null_values: list[str]) -> dict[str, pa.DataType]:
    """Arrow's guesses, as a tf.Example has them: a date or a time is a string."""
    options = _options({}, null_values)
    table = parsing.parsed(text, names, options)
    types = {field.name: _encodable(field.type) for field in table.schema}
    for name, data_type in types.items():
        is_integer = pa.types.is_integer(data_type)
        if is_integer and parsing.hexadecimal(text, name, table[name]) is not None:
            types[name] = pa.string()
    return types


def _encodable(data_type: pa.DataType) -> pa.DataType:
    if pa.types.is_null(data_type) or pa.types.is_integer(data_type):
        return data_type
    return data_type if pa.types.is_floating(data_type) else pa.string()


def _options(types: dict[str, pa.DataType], null_values: list[str]) -> pa.csv.ConvertOptions:
    return pa.csv.ConvertOptions(
        column_types=types,
        null_values=null_values,
        strings_can_be_null=True,
        true_values=[],
        false_values=[],
    )


def _check_numbers(text: bytes, table: pa.Table) -> None:
    """Refuse numbers outside float32's finite range, and numbers in hexadecimal digits.

    Serving refuses them, too. No model has an answer to the first; Arrow takes the others for whole
    numbers, and 0xFFFFFFFFFFFFFFFF for -1.
    """
    for field in table.schema:
        place = _fault_in(text, field, table[field.name])
        if place is not None:
            cells = parsing.column_text(text, field.name)
            cell = cells[place].as_py()
            raise DataError(faults.cell(field.name, cell, place, field.type))


def _fault_in(text: bytes, field: pa.Field, column: pa.ChunkedArray) -> int | None:
    """The place of a column's first refused number, or None."""
    if pa.types.is_floating(field.type):
        return faults.unfinite(column)
    if pa.types.is_integer(field.type):
        return parsing.hexadecimal(text, field.name, column)
    return None
