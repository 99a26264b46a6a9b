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


def _block_size(text: bytes) -> int:
    """A size of blocks that parts no CR from its LF.

    Where a value holds both, Arrow would lose the LF in silence. Remove it when
    https://github.com/apache/arrow/issues/51368 is closed.
    """
    if b'"' not in text:
        return BYTES_AT_ONCE
    sizes = range(BYTES_AT_ONCE, 0, -1)
    return next(size for size in sizes if not _parts_line_end(text, size))


def _parts_line_end(text: bytes, block_size: int) -> bool:
    ends = range(block_size, len(text), block_size)
    return any(text[end - 1 : end + 1] == b"\r\n" for end in ends)


def _read(
    text: bytes,
    options: pa.csv.ConvertOptions,
    parse_options: pa.csv.ParseOptions,
    *,
    use_threads: bool = True,
) -> pa.Table:
    block_size = _block_size(text)
    return pa.csv.read_csv(
        pa.BufferReader(text),
        read_options=pa.csv.ReadOptions(block_size=block_size, use_threads=use_threads),
        parse_options=parse_options,
        convert_options=options,
    )
