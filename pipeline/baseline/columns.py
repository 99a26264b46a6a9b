"""One served column of the training rows: its bins, its counts and its tolerances."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.baseline import bins, blocks, calendar, counting, limits, quantiles
from pipeline.baseline.blocks import RowBlocks
from pipeline.baseline.content import Bins, Calendar, Column
from pipeline.baseline.max_t import Tolerance
from pipeline.baseline.profile import FOLDED, ColumnCounts

NAMED = 0.25  # of a category's rows, that its bins name at least: it is an id otherwise
PAST = 400  # windows that are remembered, at most: the days of a year
UNITS = 366  # values of a unit of time, at most: the days of a year
DIFFERENT = 0.9  # whole numbers a row, at most: they are ids otherwise


class Settings(Protocol):
    """The keys of [monitoring] in model.toml for a baseline."""

    @property
    def personal(self) -> Collection[str]: ...
    @property
    def leave_out(self) -> Collection[str]: ...
    @property
    def window_days(self) -> int: ...
    @property
    def false_alarms_a_year(self) -> float: ...
    @property
    def limits(self) -> Mapping[str, float]: ...


@dataclass(frozen=True, kw_only=True)
class Clock:
    """When the training rows happened; `windows` are blocks of one window's length."""

    times: NDArray[np.datetime64]  # NaT where nobody knows
    row_blocks: RowBlocks
    windows: NDArray[np.int64]  # of each row, as `row_blocks.numbers`

    @classmethod
    def of(cls, times: NDArray[np.datetime64] | None, rows: int, window_days: int) -> "Clock":
        row_blocks = blocks.of_times(times, rows, window_days)
        if times is None:
            times = np.full(rows, "NaT", dtype="datetime64[s]")
        windows = blocks.of_days(times, window_days)
        return cls(times=times, row_blocks=row_blocks, windows=windows)


@dataclass(frozen=True, kw_only=True)
class TrainingColumn:
    """A column's values and the bins made of them."""

    name: str
    array: pa.Array
    numbers: NDArray[np.float64] | None  # None for a category
    bins: Bins
    personal: bool
    clock: Clock

    @property
    def width(self) -> int:
        return self.bins.count + 1

    @cached_property
    def cells(self) -> NDArray[np.uint8]:
        """The bin of each row; the last cell is the missing."""
        places = counting.places(self.bins, self.array)
        missing = places == bins.MISSING
        return np.where(missing, self.bins.count, places).astype(np.uint8)

    @cached_property
    def counts(self) -> ColumnCounts:
        return counting.column_counts(self.bins, self.array, personal=self.personal)

    @cached_property
    def table(self) -> NDArray[np.int64]:
        """The cells' counts in each block."""
        return blocks.table(self.clock.row_blocks.numbers, self.cells, self.width)

    @cached_property
    def calendar(self) -> Calendar | None:
        return calendar.unit(self.cells, self.clock.times)

    @cached_property
    def windows(self) -> NDArray[np.int64]:
        """The bins' counts in each past window with values, of a column of the clock.

        Its shape is (windows, bins), without any window for another column.
        """
        if self.calendar is None:
            return np.empty((0, self.bins.count), dtype=np.int64)
        by_window = blocks.table(self.clock.windows, self.cells, self.width)
        present = by_window[:, : self.bins.count]
        has_values = present.any(axis=1)
        return present[has_values][-PAST:]

    @cached_property
    def distinct(self) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Each number, sorted, and how many rows have it."""
        if self.numbers is None:
            return np.empty(0), np.empty(0, dtype=np.int64)
        present = self.numbers[~np.isnan(self.numbers)]
        values, counts = np.unique(present, return_counts=True)
        return values, counts

    @cached_property
    def dispersion(self) -> float:
        """How many times as much days vary as random rows.

        It is 1 for a column that follows the clock: the days of each window differ alike.
        """
        numbers = self.clock.row_blocks.numbers
        inside = numbers >= 0
        if self.calendar or not inside.any():
            return 1.0
        days = self.clock.times[inside].astype("datetime64[D]")
        distinct, day = np.unique(days, return_inverse=True)
        by_day = blocks.table(day, self.cells[inside], self.width)
        block_of_day = np.zeros(distinct.size, dtype=np.int64)
        block_of_day[day] = numbers[inside]
        return limits.dispersion(self.table, by_day, block_of_day)

    def column(self, settings: Settings, importance: float | None) -> Column:
        """The column's entry in baseline.json."""
        override = settings.limits.get(self.name)
        limit = limits.of_divergence(self.table) if override is None else override
        windows = self.windows.tolist()
        return Column(
            bins=self.bins,
            personal=self.personal,
            unjudged=None if override else self._unjudged(settings, limit),
            calendar=self.calendar,
            windows=tuple(tuple(window) for window in windows),
            window_limit=limits.of_windows(self.windows),
            limit=limit,
            limit_is_set=override is not None,
            share_limit=limits.of_share(self.table, limits.by_share(self.bins)),
            missing_limit=limits.of_missing(self.table),
            dispersion=self.dispersion,
            quantiles=() if self.personal else quantiles.of_numbers(*self.distinct),
            largest_share=self._largest_share(),
            importance=importance,
        )

    def tolerance(self, column: Column) -> Tolerance:
        return Tolerance(
            cells=self.cells,
            width=self.width,
            judged=slice(None),
            by_share=limits.by_share(self.bins),
            limit=column.limit,
            share_limit=column.share_limit,
            dispersion=column.dispersion,
        )

    def _largest_share(self) -> float:
        """Of the rows with a value, those with the most frequent one."""
        _, counts = self.distinct
        if self.numbers is None:
            texts = counting.as_texts(self.array).drop_null()
            counts = pc.value_counts(texts).field("counts").to_numpy()
        return float(counts.max() / counts.sum()) if counts.size else 0.0

    def _unjudged(self, settings: Settings, limit: float) -> str | None:
        """Why the column's distribution is not judged, if it is not."""
        if self.name in settings.leave_out:
            return "left out by monitoring.leave_out in model.toml"
        if self.personal:
            return "personal by monitoring.personal in model.toml"
        identity = self._own_words() if self.numbers is None else self._own_numbers(self.numbers)
        return identity or self._own_movement(limit)

    def _own_words(self) -> str | None:
        """Why a category is an id, if it is one."""
        *named_bins, unnamed = self.counts.bins
        named = sum(named_bins)
        present = named + unnamed
        if named >= NAMED * present:
            return None
        if not named:
            return f"none of its {self.counts.distinct:,} values is in {FOLDED} rows or more"
        share = 100 * named / present
        return (
            f"an id: {self.counts.distinct:,} different values, of which the "
            f"{len(named_bins)} most frequent ones are {share:.0f} % of the rows"
        )

    def _own_numbers(self, numbers: NDArray[np.float64]) -> str | None:
        """Why numbers are ids or moments, if they are."""
        values, counts = self.distinct
        is_unit = self.calendar is not None and values.size <= UNITS
        if not is_unit and calendar.is_counter(numbers, self.clock.times):
            return "a counter: it grows with time"
        whole = values == np.floor(values)
        rows = int(counts.sum())
        if values.size <= max(DIFFERENT * rows, bins.NUMBER_BINS) or not whole.all():
            return None
        return f"an id: {values.size:,} different whole numbers in {rows:,} rows"

    def _own_movement(self, limit: float) -> str | None:
        if limit <= limits.LARGEST:
            return None
        days = self.clock.row_blocks.blocks.days
        cause = f": it follows the {self.calendar}" if self.calendar else ""
        return (
            f"{days} days of training differ from all others by {limit / limits.MARGIN:.2f} bits, "
            f"allowed are {limits.LARGEST / limits.MARGIN:.2f}{cause}"
        )


def training_column(
    name: str, type_name: str, array: pa.Array, *, personal: bool, clock: Clock
) -> TrainingColumn:
    """Bin a column of the type INT, FLOAT or BYTES; a personal one has a single bin."""
    if type_name == "BYTES":
        numbers = None
        texts = counting.as_texts(array)
        column_bins = Bins(kind="category") if personal else bins.of_categories(texts)
    else:
        numbers = counting.as_numbers(array)
        column_bins = Bins(kind="number") if personal else bins.of_numbers(numbers)
    return TrainingColumn(
        name=name,
        array=array,
        numbers=numbers,
        bins=column_bins,
        personal=personal,
        clock=clock,
    )
