"""The rows of a table that happened in a window, by its time column."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.baseline import times
from pipeline.errors import DataError
from pipeline.model import time_span
from pipeline.model.csv_file.faults import FIRST_ROW
from pipeline.model.window import Window
from settings.values import shown


def within(window: Window, table: pa.Table, time_column: str) -> pa.Table:
    """The window's rows; raises DataError where one has no time, or none is in the window."""
    column = table[time_column]
    moments = times.of_column(column)
    _refuse_unreadable(time_column, column, moments)
    begin = np.datetime64(window.begin, "s")
    end = np.datetime64(window.end, "s")
    mask = (begin <= moments) & (moments < end)
    if not mask.any():
        span = time_span.span(moments)
        raise DataError(
            f"no row lies in the window from {window.begin} to {window.end}: allowed is a window "
            f"with rows, whose {time_column} is from {span.first} to {span.last}"
        )
    selection = pa.array(mask)
    return table.filter(selection)


def _refuse_unreadable(name: str, column: pa.ChunkedArray, moments: NDArray[np.datetime64]) -> None:
    is_unreadable = np.isnat(moments)
    count = int(is_unreadable.sum())
    if not count:
        return
    place = int(is_unreadable.argmax())
    value = column[place].as_py()
    cell = "an empty cell" if value is None else shown(value)
    row = place + FIRST_ROW
    raise DataError(
        f"{name} holds no time in {count} of {moments.size} rows, "
        f"the first is row {row} (the header is row 1) with {cell}: "
        f"allowed in a window are {times.ALLOWED}"
    )
