"""A CSV's text through Arrow's parser, its faults told by row."""

import pyarrow as pa
import pyarrow.csv

from pipeline.errors import DataError
from pipeline.model.csv_file import faults

BYTES_AT_ONCE = 16 << 20  # no row may be longer


def parsed(text: bytes, names: list[str], options: pa.csv.ConvertOptions) -> pa.Table:
    """All rows; DataError tells what Arrow refuses, without the file."""
    try:
        return _read(text, options, _parse_options(text))
    except pa.ArrowInvalid as error:
        sentence = _fault(text, names, options) or str(error)[:200]
        raise DataError(sentence) from error


def column_text(text: bytes, name: str) -> pa.ChunkedArray:
    """A column's cells as they are written."""
    options = pa.csv.ConvertOptions(include_columns=[name], column_types={name: pa.string()})
    return _read(text, options, _parse_options(text))[name]


def _fault(text: bytes, names: list[str], options: pa.csv.ConvertOptions) -> str | None:
    """Read once more in one thread: only then does Arrow know the number of a row."""
    invalid_rows = []

    def keep(row: pa.csv.InvalidRow) -> str:
        invalid_rows.append(row)
        return "error"

    try:
        _read(text, options, _parse_options(text, keep), use_threads=False)
    except pa.ArrowInvalid as error:
        if invalid_rows:
            return faults.invalid_row(invalid_rows[0])
        message = str(error)
        return faults.unconverted(message, names) or faults.too_long(message, BYTES_AT_ONCE)
    return None


def _parse_options(
    text: bytes, invalid_row_handler: faults.RowHandler | None = None
) -> pa.csv.ParseOptions:
    # Where no quote is, Arrow finds the ends of rows faster.
    return pa.csv.ParseOptions(
        newlines_in_values=b'"' in text, invalid_row_handler=invalid_row_handler
    )


def _read(
    text: bytes,
    options: pa.csv.ConvertOptions,
    parse_options: pa.csv.ParseOptions,
    *,
    use_threads: bool = True,
) -> pa.Table:
    return pa.csv.read_csv(
        pa.BufferReader(text),
        read_options=pa.csv.ReadOptions(block_size=BYTES_AT_ONCE, use_threads=use_threads),
        parse_options=parse_options,
        convert_options=options,
    )
