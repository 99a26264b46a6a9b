"""Time blocks of the training rows: a column's changes from week to week without any drift."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.baseline.content import Blocks

FEWEST = 8  # blocks, or none
ROWS = 500  # of the median block: smaller ones tell more of chance than of time
OUTSIDE = -1  # in place of a block's number


@dataclass(frozen=True, kw_only=True)
class RowBlocks:
    """The blocks, and the number of each row's block or OUTSIDE."""

    blocks: Blocks
    numbers: NDArray[np.int64]

    @property
    def count(self) -> int:
        return self.blocks.count


def of_times(times: NDArray[np.datetime64] | None, rows: int, window_days: int) -> RowBlocks:
    """Blocks of the window's length; of several windows if one alone has too few rows.

    Without times, or with too few blocks or rows, there is none, and `why_none` says why.
    """
    if times is None:
        return _none(rows, window_days, "model.toml names no time column")
    windows = of_days(times, window_days)
    count = number_of(windows)
    if count < FEWEST:
        why = f"{count} whole blocks of {window_days} days, allowed are {FEWEST} or more"
        return _none(rows, window_days, why)
    length = 1
    while length * FEWEST <= count:
        days = length * window_days
        numbers = _without_small(of_days(times, days))
        sizes = np.bincount(numbers[numbers >= 0])
        if sizes.size >= FEWEST and np.median(sizes) >= ROWS:
            blocks = Blocks(days=days, count=sizes.size)
            return RowBlocks(blocks=blocks, numbers=numbers)
        length += max(1, length // 8)
    why = f"fewer than {FEWEST} blocks of {ROWS} rows, allowed are {FEWEST} or more"
    return _none(rows, window_days, why)


def of_days(times: NDArray[np.datetime64], days: int) -> NDArray[np.int64]:
    """The block of each row, from 0 on; OUTSIDE for a row without a time.

    The last block ends with the last day; the first days may be too few for a block.
    """
    present = ~np.isnat(times)
    numbers = np.full(times.size, OUTSIDE)
    if not present.any():
        return numbers
    day = times[present].astype("datetime64[D]").astype(np.int64)
    last = day.max()
    whole_blocks = (last - day.min() + 1) // days
    blocks_back = (last - day) // days
    from_first = whole_blocks - 1 - blocks_back
    numbers[present] = np.maximum(from_first, OUTSIDE)
    return _numbered(numbers)


def number_of(numbers: NDArray[np.int64]) -> int:
    """How many blocks there are."""
    return int(numbers.max(initial=OUTSIDE)) + 1


def table(numbers: NDArray[np.int64], cells: NDArray[np.uint8], width: int) -> NDArray[np.int64]:
    """The counts of each block, of the shape (blocks, width)."""
    inside = numbers >= 0
    flat = numbers[inside] * width + cells[inside]
    count = number_of(numbers)
    counts = np.bincount(flat, minlength=count * width)
    return counts.reshape(count, width)


def _without_small(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """Without blocks of less than half of the median one's required rows."""
    inside = numbers >= 0
    sizes = np.bincount(numbers[inside], minlength=1)
    small = sizes < ROWS / 2
    large = inside & ~small[numbers]
    return _numbered(np.where(large, numbers, OUTSIDE))


def _numbered(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """The same blocks, numbered without a gap."""
    inside = numbers >= 0
    distinct = np.unique(numbers[inside])
    places = np.searchsorted(distinct, numbers)
    return np.where(inside, places, OUTSIDE)


def _none(rows: int, days: int, why: str) -> RowBlocks:
    blocks = Blocks(days=days, count=0, why_none=why)
    return RowBlocks(blocks=blocks, numbers=np.full(rows, OUTSIDE))
