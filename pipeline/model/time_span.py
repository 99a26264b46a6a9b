"""The first and the last time of rows."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Span(NamedTuple):
    first: str | None  # such as 2013-12-31T23:59:59Z; None where no row has a time
    last: str | None
    rows_without: int  # without a readable time


def span(times: NDArray[np.datetime64]) -> Span:
    readable = times[~np.isnat(times)]
    rows_without = times.size - readable.size
    if not readable.size:
        return Span(None, None, rows_without)
    return Span(f"{readable.min()}Z", f"{readable.max()}Z", rows_without)


def joined(parts: Iterable[Span]) -> Span:
    """The span of all rows, from the spans of parts of them."""
    first, last, rows_without = Span(None, None, 0)
    for part in parts:
        # Text of one form, with four digits a year, is in the order of its times.
        first = min(filter(None, (first, part.first)), default=None)
        last = max(filter(None, (last, part.last)), default=None)
        rows_without += part.rows_without
    return Span(first, last, rows_without)
