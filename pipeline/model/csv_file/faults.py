"""The faults of a CSV's rows, each in one sentence with column, value and row."""

import re
from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from pipeline.model.csv_file.header import shown
from pipeline.serving.numbers import LARGEST_FLOAT

RowHandler = Callable[[pa.csv.InvalidRow], str]
FIRST_ROW = 2  # Arrow counts the header as row 1, like a spreadsheet
ALLOWED = {
    "int64": "a whole number of 64 bits in decimal digits",
    "double": f"a finite number up to {LARGEST_FLOAT:.1e}",
}
HEXADECIMAL = "^[ \t]*0[xX]"
UNCONVERTED = re.compile(
    r"In CSV column #(\d+): Row #(\d+): CSV conversion error to (\w+): invalid value '(.*)'", re.S
)


def unconverted(message: str, names: list[str]) -> str | None:
    """Arrow's message on a cell as a sentence; None for any other message."""
    match = UNCONVERTED.match(message)
    if match is None:
        return None
    column, row, type_name, value = match.groups()
    return _cell(names[int(column)], value, int(row), type_name)


def unfinite(column: pa.ChunkedArray) -> int | None:
    """The place of the first number outside float32's finite range, or None."""
    sizes = pc.abs(column)
    within = pc.less_equal(sizes, LARGEST_FLOAT)  # NaN is less than nothing
    return _first(within, False)


def hexadecimal(cells: pa.ChunkedArray, column: pa.ChunkedArray) -> int | None:
    """The place of the first number in hexadecimal digits, or None."""
    matches = pc.match_substring_regex(cells, HEXADECIMAL)
    numbers = pc.is_valid(column)
    hexadecimal_numbers = pc.and_(matches, numbers)
    return _first(hexadecimal_numbers, True)


def cell(name: str, value: str, place: int, data_type: pa.DataType) -> str:
    """The sentence on a cell's refused value; the first row has the place 0."""
    return _cell(name, value, place + FIRST_ROW, str(data_type))


def invalid_row(row: pa.csv.InvalidRow) -> str:
    """A row with more or fewer cells than the header."""
    return (
        f"row {row.number} (the header is row 1) has {row.actual_columns} cells, "
        f"allowed are {row.expected_columns} as in the header: {shown(row.text)}"
    )


def too_long(message: str, maximum_bytes: int) -> str | None:
    """Arrow's message on an overlong row as a sentence; None for any other message."""
    if "straddling" not in message:
        return None
    return (
        f"a row is longer than {maximum_bytes >> 20} MiB, allowed are shorter ones; "
        "a quote that is never closed makes one row of many"
    )


def _first(column: pa.ChunkedArray, value: bool) -> int | None:
    place: int = pc.index(column, value).as_py()
    return place if place >= 0 else None


def _cell(name: str, value: str, row: int, type_name: str) -> str:
    return (
        f"the column {shown(name)} holds {shown(value)} in row {row} (the header is row 1), "
        f"allowed is {ALLOWED[type_name]}, or what data.null_values of model.toml lists"
    )
