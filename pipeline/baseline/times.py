"""When each row happened, by the column that model.toml names."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

# ISO 8601, as Arrow casts it: a date, a time or none, a zone or none.
ISO = r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2})?)?$"
ZONED_ISO = r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2})?(Z|[+-]\d{2}(:?\d{2})?)$"
LATEST_SECOND = 253402300799  # of the year 9999


def of_column(column: pa.ChunkedArray) -> NDArray[np.datetime64]:
    """The UTC second of each row: NaT where the cell is empty or no time.

    Numbers are seconds since the epoch; text is ISO 8601, in UTC unless it names a zone.
    """
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return _of_text(column)
    seconds = column.to_numpy().astype(np.float64)
    valid = np.abs(seconds) <= LATEST_SECOND
    whole = np.where(valid, seconds, 0).astype(np.int64)
    times = whole.astype("datetime64[s]")
    times[~valid] = np.datetime64("NaT")
    return times


def _of_text(column: pa.ChunkedArray) -> NDArray[np.datetime64]:
    plain = _matching(column, ISO).cast(pa.timestamp("s"))
    zoned = _matching(column, ZONED_ISO).cast(pa.timestamp("s", "UTC"))
    times = pc.coalesce(plain, zoned.cast(pa.timestamp("s")))
    result: NDArray[np.datetime64] = times.to_numpy().astype("datetime64[s]")
    return result


def _matching(column: pa.ChunkedArray, pattern: str) -> pa.ChunkedArray:
    """The cells that match; null in place of the others."""
    matches = pc.match_substring_regex(column, pattern)
    return pc.if_else(matches, column, pa.scalar(None, column.type))
