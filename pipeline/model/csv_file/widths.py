"""A row of thousands of cells too many: Arrow would write past its memory, and the process die.

Remove it when TFX allows Arrow 20 (https://github.com/apache/arrow/issues/45497).
"""

import csv
import io

import pyarrow.csv

from pipeline.errors import DataError
from pipeline.model.csv_file import faults

SPARE_CELLS = 4096  # Arrow has room for some seven thousand more than the header's


def check(text: bytes, names: list[str]) -> None:
    """Raise DataError for the first row that is far wider than the header."""
    if not _has_long_line(text):
        return
    most_cells = len(names) + SPARE_CELLS
    if not any(line.count(b",") >= most_cells for line in text.splitlines()):
        return
    # A comma inside quotes is no cell's end, which Python's reader knows.
    csv.field_size_limit(len(text))
    lines = io.TextIOWrapper(io.BytesIO(text), "utf-8", newline="")
    for number, cells in enumerate(filter(None, csv.reader(lines)), 1):
        if len(cells) > most_cells:
            row = pyarrow.csv.InvalidRow(len(names), len(cells), number, ",".join(cells[:99]))
            raise DataError(faults.invalid_row(row))


def _has_long_line(text: bytes) -> bool:
    """Say whether a line may have so many cells; cheap, and seldom wrong."""
    for start in range(0, len(text) - SPARE_CELLS, SPARE_CELLS):
        end = start + SPARE_CELLS
        if text.find(b"\n", start, end) < 0 and text.find(b"\r", start, end) < 0:
            return True
    return False
