"""Finds an unclosed quote: Arrow takes all rows up to the next for one value."""

import csv
import io

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.errors import DataError

ESCAPED = b'\\"'  # as other programs write a quote inside a value


def check(text: bytes, table: pa.Table) -> None:
    """Raise DataError with the line of a quote not closed at a value's end.

    Python's reader knows such a quote, and is slow: only a table with a line break in a value needs
    it, since no other has lost a row, and a text in which a backslash is before a quote.
    """
    if b'"' not in text:
        return
    if ESCAPED not in text and not any(_has_line_break(column) for column in table.columns):
        return
    csv.field_size_limit(len(text))
    lines = io.TextIOWrapper(io.BytesIO(text), "utf-8", newline="")
    reader = csv.reader(lines, strict=True)
    first_line = 1
    try:
        for _ in reader:
            first_line = reader.line_num + 1
    except csv.Error as error:
        raise DataError(
            f"in the row that begins in line {first_line} a quote is not closed at the value's "
            "end, allowed is a value between two quotes, with each quote inside it doubled"
        ) from error


def _has_line_break(column: pa.ChunkedArray) -> bool:
    if not pa.types.is_string(column.type):
        return False
    matches = pc.match_substring_regex(column, "[\r\n]")
    return bool(pc.any(matches).as_py())
