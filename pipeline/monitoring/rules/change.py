"""One column's counts in the training rows beside those in a window."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from pipeline.baseline import noise
from pipeline.baseline.content import Baseline, Column
from pipeline.baseline.distance import jensen_shannon, shares
from pipeline.baseline.profile import ColumnCounts, Profile
from pipeline.monitoring import season

ALPHA = 0.0001  # of one comparison: a window has hundreds of them
SIGMAS = 4  # of chance, of a mean
FIT = 0.02  # bits
MANY = 50  # values: a column with fewer that follows the clock is constant in a short window


@dataclass(frozen=True)
class Clocks:
    """The columns by which the window is of another season, looked up when they are needed."""

    baseline: Baseline
    window: Profile

    @cached_property
    def unlike(self) -> set[str]:
        """Without days of the month: nothing else depends on them."""
        columns = self.baseline.columns
        names = season.unlike_training(self.baseline, self.window)
        return {name for name in names if columns[name].calendar != "day"}


@dataclass(frozen=True)
class Change:
    """`witnesses` is the window's effective size: one caller's instances are alike."""

    name: str
    column: Column
    before: ColumnCounts
    after: ColumnCounts
    witnesses: float
    clocks: Clocks
    scale: float = 1.0  # of limits

    @cached_property
    def bins_before(self) -> NDArray[np.float64]:
        """Shares of the values that are present."""
        return shares(self.before.bins)

    @cached_property
    def bins_after(self) -> NDArray[np.float64]:
        return shares(self.after.bins)

    @property
    def missing_before(self) -> float:
        return self.before.missing / max(1, self.before.total)

    @property
    def missing_after(self) -> float:
        return self.after.missing / max(1, self.after.total)

    @property
    def mistyped_after(self) -> float:
        return self.after.mistyped / max(1, self.after.total)

    @property
    def present(self) -> float:
        """Witnesses that have a value."""
        return self.witnesses * sum(self.after.bins) / max(1, self.after.total)

    @property
    def clock(self) -> bool:
        """A part of the date or the time, of which a short window has few values."""
        return self.column.calendar is not None and self.before.distinct < MANY

    @property
    def in_season(self) -> bool:
        """Say whether another column tells of a time of day or year that training has not seen."""
        return bool(self.clocks.unlike - {self.name})

    @cached_property
    def distance(self) -> float:
        """Bits between all values, the missing ones included."""
        return float(jensen_shannon(_with_missing(self.before), _with_missing(self.after)))

    @cached_property
    def bin_distance(self) -> float:
        """Bits between the values that are present."""
        return self.distance_to(self.bins_before)

    def distance_to(self, expected: NDArray[np.float64]) -> float:
        """Bits between the window's values and other shares of the same bins."""
        return float(jensen_shannon(expected, self.after.bins))

    @cached_property
    def chance_distance(self) -> float:
        """Bits that chance explains."""
        cells = np.count_nonzero(self.before.bins)
        rows = sum(self.before.bins)
        chance = noise.largest_divergence(cells, self.present, rows, alpha=ALPHA)
        return float(self.column.dispersion * chance)

    @property
    def tolerated(self) -> float:
        """Bits that training's time blocks and chance explain."""
        return self.scale * self.column.limit + self.chance_distance

    @property
    def moved(self) -> bool:
        return self.bin_distance > self.tolerated

    @property
    def fit(self) -> float:
        """Bits within which shares explain the window's, however far the column moves by itself."""
        return min(self.scale * self.column.limit, FIT) + self.chance_distance

    def bin_name(self, place: int) -> str:
        """A bin as a sentence names it."""
        bins = self.column.bins
        if bins.kind == "category":
            return repr(bins.values[place]) if place < len(bins.values) else "any other value"
        if not bins.edges:
            return "any number"
        if place == 0:
            return f"below {bins.edges[0]:g}"
        if place == len(bins.edges):
            return f"{bins.edges[-1]:g} or more"
        return f"{bins.edges[place - 1]:g} to {bins.edges[place]:g}"

    def chance(self, share: float, alpha: float = ALPHA) -> float:
        """How far chance takes a share of the window's instances from training's."""
        dispersion = self.column.dispersion**0.5
        return float(dispersion) * chance_of_share(share, self.witnesses, self.before.total, alpha)


def chance_of_share(share: float, witnesses: float, rows: float, alpha: float = ALPHA) -> float:
    """By how much chance moves a share; a rare one as much as one witness's."""
    likely = min(max(share, 1 / max(1.0, witnesses)), 0.5)
    return float(noise.largest_share_change(likely, witnesses, rows, alpha=alpha))


def _with_missing(counts: ColumnCounts) -> tuple[int, ...]:
    return (*counts.bins, counts.missing)
