"""A CSV's text through Arrow's parser, its faults told by row."""

import pyarrow as pa
import pyarrow.csv

from pipeline.errors import DataError
from pipeline.model.csv_file import faults

BYTES_AT_ONCE = 16 << 20  # no row may be longer
QUOTE, CR, LF = b'"', b"\r", b"\n"


def parsed(text: bytes, names: list[str], options: pa.csv.ConvertOptions) -> pa.Table:
    """All rows; raises DataError with Arrow's refusal, without the file's name."""
    parse_options = _parse_options(text)
    try:
        return _read(text, options, parse_options)
    except pa.ArrowInvalid as error:
        message = str(error)
        sentence = _fault(text, names, options) or message[:200]
        raise DataError(sentence) from error


def column_text(text: bytes, name: str) -> pa.ChunkedArray:
    """A column's cells as they are written."""
    options = pa.csv.ConvertOptions(include_columns=[name], column_types={name: pa.string()})
    parse_options = _parse_options(text)
    table = _read(text, options, parse_options)
    return table[name]


def hexadecimal(text: bytes, name: str, column: pa.ChunkedArray) -> int | None:
    """The place of a column's first number in hexadecimal digits, or None."""
    if b"0x" not in text and b"0X" not in text:
        return None
    cells = column_text(text, name)
    return faults.hexadecimal(cells, column)


def _fault(text: bytes, names: list[str], options: pa.csv.ConvertOptions) -> str | None:
    """Read once more in one thread: only then does Arrow know the number of a row."""
    invalid_rows = []

    def keep(row: pa.csv.InvalidRow) -> str:
        invalid_rows.append(row)
        return "error"

    parse_options = _parse_options(text, keep)
    try:
        _read(text, options, parse_options, use_threads=False)
    except pa.ArrowInvalid as error:
        for row in invalid_rows:
            return faults.invalid_row(row)
        message = str(error)
        return faults.unconverted(message, names) or faults.too_long(message, BYTES_AT_ONCE)
    return None


def _parse_options(
    text: bytes, invalid_row_handler: faults.RowHandler | None = None
) -> pa.csv.ParseOptions:
    has_quotes = QUOTE in text  # without one, Arrow finds the ends of rows faster
    return pa.csv.ParseOptions(
        newlines_in_values=has_quotes, invalid_row_handler=invalid_row_handler
    )


def _block_size(text: bytes) -> int:
    """A block size with every CR and its LF in the same block.

    Where a value holds both, Arrow would lose the LF in silence. Remove it when
    https://github.com/apache/arrow/issues/51368 is closed.
    """
    size = BYTES_AT_ONCE
    if QUOTE in text:
        while _parts_line_end(text, size):
            size -= 1
    return size


def _parts_line_end(text: bytes, block_size: int) -> bool:
    starts = range(block_size, len(text), block_size)
    return any(text.startswith(LF, start) and text.startswith(CR, start - 1) for start in starts)


def _read(
    text: bytes,
    options: pa.csv.ConvertOptions,
    parse_options: pa.csv.ParseOptions,
    *,
    use_threads: bool = True,
) -> pa.Table:
    stream = pa.BufferReader(text)
    block_size = _block_size(text)
    read_options = pa.csv.ReadOptions(block_size=block_size, use_threads=use_threads)
    return pa.csv.read_csv(
        stream,
        read_options=read_options,
        parse_options=parse_options,
        convert_options=options,
    )
