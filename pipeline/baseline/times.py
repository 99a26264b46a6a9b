"""The time of each row, by the time column of model.toml.

Numbers are seconds since the epoch; text is ISO 8601, in UTC unless it names a zone.
"""

from datetime import UTC, datetime
from typing import TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

NAT = -(2**63)  # the number of NaT, which is no time
FIRST_SECOND = -62135596800  # of the year 1
LAST_SECOND = 253402300799  # of the year 9999
Value: TypeAlias = int | float | str | bytes | None

ALLOWED = "seconds since the epoch or ISO 8601 text, of the years 1 to 9999"


def of_column(column: pa.ChunkedArray) -> NDArray[np.datetime64]:
    """The UTC second of each row: NaT if the cell is empty or no time."""
    encoded = column.dictionary_encode().combine_chunks()
    values = encoded.dictionary.to_pylist()
    seconds = [_second(value) for value in values]
    numbers = np.array([*seconds, NAT], np.int64)
    places = encoded.indices.fill_null(len(seconds)).to_numpy(zero_copy_only=False)
    return numbers[places].astype("datetime64[s]")


def of_value(value: Value) -> np.datetime64:
    """The UTC second of one row."""
    return np.datetime64(_second(value), "s")


def _second(value: Value) -> int:
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, str):
        return _of_text(value)
    if value is None or not FIRST_SECOND <= value <= LAST_SECOND:
        return NAT
    return int(value)


def _of_text(text: str) -> int:
    try:
        time = datetime.fromisoformat(text)
        if time.tzinfo is None:
            time = time.replace(tzinfo=UTC)
        whole_second = time.astimezone(UTC).replace(microsecond=0)
        return round(whole_second.timestamp())
    except (ValueError, OverflowError):
        return NAT
