"""Time blocks of the training rows: what a column does from week to week without any drift."""

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
    """Blocks of the window's length; of several where one alone has too few rows."""
    nowhere = np.full(rows, OUTSIDE)
    if times is None:
        return _none(nowhere, window_days, "model.toml names no time column")
    single = of_days(times, window_days)
    count = int(single.max(initial=OUTSIDE)) + 1
    if count < FEWEST:
        why = f"{count} whole blocks of {window_days} days, allowed are {FEWEST} or more"
        return _none(nowhere, window_days, why)
    for windows in range(1, count // FEWEST + 1):
        days = windows * window_days
        numbers = of_days(times, days)
        sizes = np.bincount(numbers[numbers >= 0])
        if np.median(sizes) >= ROWS:
            return _without_small(numbers, days)
    why = f"fewer than {FEWEST} blocks of {ROWS} rows"
    return _none(nowhere, window_days, why)


def of_days(times: NDArray[np.datetime64], days: int) -> NDArray[np.int64]:
    """The block of each row, from 0 on; OUTSIDE for a row without a time.

    The last block ends with the last day; the first days may be too few for a block.
    """
    present = ~np.isnat(times)
    numbers = np.full(times.size, OUTSIDE)
    if not present.any():
        return numbers
    day = times[present].astype("datetime64[D]").astype(np.int64)
    first, last = int(day.min()), int(day.max())
    whole = (last - first + 1) // days
    back = (last - day) // days
    numbers[present] = np.where(back < whole, whole - 1 - back, OUTSIDE)
    return _numbered(numbers)


def table(numbers: NDArray[np.int64], count: int, cells: NDArray, width: int) -> NDArray[np.int64]:
    """The counts of each block in `width` cells; a negative cell is the last one."""
    inside = numbers >= 0
    places = np.where(cells[inside] < 0, width - 1, cells[inside]).astype(np.int64)
    flat = np.bincount(numbers[inside] * width + places, minlength=count * width)
    return flat.reshape(count, width)


def _without_small(numbers: NDArray[np.int64], days: int) -> RowBlocks:
    sizes = np.bincount(numbers[numbers >= 0])
    small = sizes < ROWS / 2
    cleared = np.where((numbers >= 0) & small[numbers], OUTSIDE, numbers)
    numbered = _numbered(cleared)
    count = int(numbered.max()) + 1
    return RowBlocks(blocks=Blocks(days=days, count=count), numbers=numbered)


def _numbered(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """The same blocks numbered without a gap."""
    distinct = np.unique(numbers[numbers >= 0])
    places = np.searchsorted(distinct, numbers)
    return np.where(numbers >= 0, places, OUTSIDE)


def _none(numbers: NDArray[np.int64], days: int, why: str) -> RowBlocks:
    return RowBlocks(blocks=Blocks(days=days, count=0, why_none=why), numbers=numbers)
