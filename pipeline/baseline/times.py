"""When each row happened, by the column that model.toml names."""

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

LATEST_SECOND = 253402300799  # of the year 9999


def of_column(column: pa.ChunkedArray) -> NDArray[np.datetime64]:
    """The UTC second of each row: NaT where the cell is empty or no time.

    Numbers are seconds since the epoch; text is ISO 8601, in UTC unless it names a zone.
    """
    if pa.types.is_string(column.type):
        return _of_text(column)
    seconds = column.to_numpy().astype(np.float64)
    valid = np.abs(seconds) <= LATEST_SECOND
    whole = np.where(valid, seconds, 0).astype(np.int64)
    times = whole.astype("datetime64[s]")
    times[~valid] = np.datetime64("NaT")
    return times


def _of_text(column: pa.ChunkedArray) -> NDArray[np.datetime64]:
    """Each distinct text is parsed once: Arrow's own cast refuses a column for one cell."""
    encoded = column.combine_chunks().dictionary_encode(null_encoding="encode")
    distinct = [_moment(text) for text in encoded.dictionary.to_pylist()]
    times = np.array(distinct, dtype="datetime64[s]")
    places = encoded.indices.to_numpy()
    return times[places]


def _moment(text: str | None) -> np.datetime64:
    if text is None:
        return np.datetime64("NaT")
    try:
        moment = datetime.fromisoformat(text)
        zoned = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        naive = zoned.astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return np.datetime64("NaT")
    return np.datetime64(naive, "s")
