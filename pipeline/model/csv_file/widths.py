"""A row of thousands of cells too many: Arrow would write past its memory, and the process die.

Remove it when TFX allows Arrow 20 (https://github.com/apache/arrow/issues/45497).
"""

import csv
import io
from collections.abc import Iterator

import pyarrow.csv

from pipeline.errors import DataError
from pipeline.model.csv_file import faults

SHOWN_CELLS = 99
SPARE_CELLS = 4096  # Arrow has room for some seven thousand more than the header's


def check(text: bytes, names: list[str]) -> None:
    """Raise DataError for the first row far wider than the header."""
    if not _has_long_line(text):
        return
    most_cells = len(names) + SPARE_CELLS
    comma_counts = [line.count(b",") for line in text.splitlines()]
    if max(comma_counts) < most_cells:
        return
    for number, cells in enumerate(_rows(text), 1):
        if len(cells) > most_cells:
            beginning = ",".join(cells[:SHOWN_CELLS])
            row = pyarrow.csv.InvalidRow(len(names), len(cells), number, beginning)
            raise DataError(faults.invalid_row(row))


def _rows(text: bytes) -> Iterator[list[str]]:
    """The rows as Python's slow reader finds them: a comma inside quotes ends no cell."""
    csv.field_size_limit(len(text))
    content = io.BytesIO(text)
    lines = io.TextIOWrapper(content, "utf-8", newline="")
    reader = csv.reader(lines)
    return filter(None, reader)


def _has_long_line(text: bytes) -> bool:
    """Say whether a line may have so many cells; cheap, and seldom wrong."""
    starts = range(0, len(text) - SPARE_CELLS, SPARE_CELLS)
    return any(not _has_line_end(text, start) for start in starts)


def _has_line_end(text: bytes, start: int) -> bool:
    end = start + SPARE_CELLS
    return text.find(b"\n", start, end) >= 0 or text.find(b"\r", start, end) >= 0
