"""One served column of the training rows: its bins, counts, limits, and why it isn't judged."""

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
from pipeline.baseline.profile import ColumnCounts

NAMED = 0.25  # of a category's rows, that its bins name at least: it is an id otherwise
DIFFERENT = 0.9  # whole numbers a row, at most: they are ids otherwise


class Settings(Protocol):
    """The keys of [monitoring] in model.toml that a baseline needs."""

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

    times: NDArray[np.datetime64] | None
    row_blocks: RowBlocks
    windows: NDArray[np.int64]  # of each row, as `row_blocks.numbers`

    @classmethod
    def of(cls, times: NDArray[np.datetime64] | None, rows: int, window_days: int) -> "Clock":
        row_blocks = blocks.of_times(times, rows, window_days)
        if times is None:
            windows = np.full(rows, blocks.OUTSIDE)
        else:
            windows = blocks.of_days(times, window_days)
        return cls(times=times, row_blocks=row_blocks, windows=windows)


@dataclass(frozen=True, kw_only=True)
class TrainingColumn:
    """A column's values and the bin of each."""

    name: str
    array: pa.Array
    numbers: NDArray[np.float64] | None
    bins: Bins
    personal: bool
    clock: Clock

    @cached_property
    def places(self) -> NDArray[np.int16]:
        return counting.places(self.bins, self.array)

    @cached_property
    def cells(self) -> NDArray[np.uint8]:
        """The bin of each row; the last cell is the missing."""
        missing = self.places == bins.MISSING
        return np.where(missing, self.bins.count, self.places).astype(np.uint8)

    @cached_property
    def counts(self) -> ColumnCounts:
        return counting.column_counts(self.bins, self.array, personal=self.personal)

    @cached_property
    def table(self) -> NDArray[np.int64]:
        row_blocks = self.clock.row_blocks
        return blocks.table(row_blocks.numbers, row_blocks.count, self.cells, self.width)

    @property
    def width(self) -> int:
        return self.bins.count + 1

    @cached_property
    def calendar(self) -> Calendar | None:
        times = self.clock.times
        return None if times is None or self.personal else calendar.unit(self.cells, times)

    @cached_property
    def distinct(self) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Each number, sorted, and the rows that have it."""
        if self.numbers is None:
            return np.empty(0), np.empty(0, dtype=np.int64)
        present = self.numbers[~np.isnan(self.numbers)]
        values, counts = np.unique(present, return_counts=True)
        return values, counts

    @cached_property
    def dispersion(self) -> float:
        """1 of a column that follows the clock: a window has all days of the week."""
        times, row_blocks = self.clock.times, self.clock.row_blocks
        if times is None or not row_blocks.count or self.calendar:
            return 1.0
        inside = row_blocks.numbers >= 0
        days, day = np.unique(times[inside].astype("datetime64[D]"), return_inverse=True)
        block = np.zeros(days.size, dtype=np.int64)
        block[day] = row_blocks.numbers[inside]
        by_day = blocks.table(day, days.size, self.cells[inside], self.width)
        return limits.dispersion(self.table, by_day, block)

    def column(self, settings: Settings, importance: float | None) -> Column:
        """What baseline.json holds of it."""
        override = settings.limits.get(self.name)
        limit = limits.of_divergence(self.table) if override is None else override
        return Column(
            bins=self.bins,
            personal=self.personal,
            unjudged=None if override else self._unjudged(settings, limit),
            calendar=self.calendar,
            windows=self._windows() if self.calendar else (),
            limit=limit,
            limit_is_set=override is not None,
            share_limit=limits.of_share(self.table, limits.by_share(self.bins)),
            dispersion=self.dispersion,
            quantiles=() if self.personal else quantiles.of_numbers(*self.distinct),
            largest_share=self._largest_share(),
            importance=importance,
        )

    def tolerance(self, column: Column) -> limits.Tolerance:
        return limits.Tolerance(
            cells=self.cells,
            width=self.width,
            ends=self.width,
            by_share=limits.by_share(self.bins),
            limit=column.limit,
            share_limit=column.share_limit,
            dispersion=column.dispersion,
        )

    def _windows(self) -> tuple[tuple[int, ...], ...]:
        windows = self.clock.windows
        count = int(windows.max(initial=blocks.OUTSIDE)) + 1
        by_window = blocks.table(windows, count, self.cells, self.width)
        return tuple(tuple(row) for row in by_window.tolist())

    def _largest_share(self) -> float:
        """Of the rows with a value, those with the most frequent one."""
        if self.numbers is not None:
            _, counts = self.distinct
        else:
            texts = counting.as_texts(self.array).drop_null()
            counts = pc.value_counts(texts).field("counts").to_numpy()
        total = counts.sum()
        return float(counts.max() / total) if total else 0.0

    def _unjudged(self, settings: Settings, limit: float) -> str | None:
        """Why the column's distribution is not judged."""
        if self.name in settings.leave_out:
            return "left out by monitoring.leave_out in model.toml"
        if self.personal:
            return "personal, by monitoring.personal in model.toml"
        return self._identity() or self._own_movement(limit)

    def _identity(self) -> str | None:
        """Why a column names its row or its moment, if it does."""
        times = self.clock.times
        if self.numbers is None:
            return self._named_too_few()
        clocked = times is None or self.calendar is not None
        if not clocked and calendar.is_counter(self.numbers, times):
            return "a counter: it grows with time"
        values, counts = self.distinct
        whole = bool((values == np.floor(values)).all())
        if whole and values.size > max(DIFFERENT * counts.sum(), bins.NUMBER_BINS):
            return f"an id: {values.size:,} different whole numbers in {counts.sum():,} rows"
        return None

    def _named_too_few(self) -> str | None:
        *named, others = self.counts.bins
        present = sum(named) + others
        if sum(named) >= NAMED * present:
            return None
        share = 100 * sum(named) / present
        return (
            f"an id: {self.counts.distinct:,} different values, of which the "
            f"{len(named)} most frequent ones are {share:.0f} % of the rows"
        )

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
    numbers = None if type_name == "BYTES" else counting.as_numbers(array)
    if type_name == "BYTES":
        texts = counting.as_texts(array)
        column_bins = Bins(kind="category") if personal else bins.of_categories(texts)
    elif personal or numbers is None:
        column_bins = Bins(kind="number")
    else:
        column_bins = bins.of_numbers(numbers)
    return TrainingColumn(
        name=name,
        array=array,
        numbers=numbers,
        bins=column_bins,
        personal=personal,
        clock=clock,
    )
