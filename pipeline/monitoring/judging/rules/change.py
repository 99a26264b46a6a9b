"""One column's counts in the training rows beside those in a window."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from pipeline.baseline import noise
from pipeline.baseline.content import Baseline, Column
from pipeline.baseline.distance import jensen_shannon, shares
from pipeline.baseline.profile import ColumnCounts, Profile
from pipeline.monitoring.judging import season
from pipeline.monitoring.judging.distances import cells

ALPHA = 0.0001  # of one comparison: a window has hundreds of them
SIGMAS = 4  # of chance, of a mean
FIT = 0.02  # bits
MANY = 50  # values: a column with fewer that follows the clock is constant in a short window


@dataclass(frozen=True)
class SeasonalColumns:
    """The columns of another season in the window, looked up when they are needed."""

    baseline: Baseline
    window: Profile

    @cached_property
    def names(self) -> set[str]:
        """Without days of the month: nothing else depends on them."""
        columns = self.baseline.columns
        names = season.unlike_training(self.baseline, self.window)
        return {name for name in names if columns[name].calendar != "day"}


@dataclass(frozen=True)
class Change:
    """A column, its training rows and a window.

    `witnesses` is the window's effective size: one caller's instances are alike.
    """

    name: str
    column: Column
    training: ColumnCounts
    window: ColumnCounts
    witnesses: float
    seasonal: SeasonalColumns
    scale: float = 1.0  # of limits

    @cached_property
    def training_bins(self) -> NDArray[np.float64]:
        """Shares of the present values."""
        return shares(self.training.bins)

    @cached_property
    def window_bins(self) -> NDArray[np.float64]:
        return shares(self.window.bins)

    @property
    def training_missing(self) -> float:
        return self.training.missing / max(1, self.training.total)

    @property
    def window_missing(self) -> float:
        return self.window.missing / max(1, self.window.total)

    @property
    def mistyped_share(self) -> float:
        return self.window.mistyped / max(1, self.window.total)

    @property
    def present(self) -> float:
        """Witnesses with a value."""
        return self.witnesses * sum(self.window.bins) / max(1, self.window.total)

    @property
    def is_clock(self) -> bool:
        """A part of the date or the time: a short window has few values of it."""
        return self.column.calendar is not None and self.training.distinct < MANY

    @property
    def is_judged(self) -> bool:
        return self.column.unjudged is None and not self.is_clock

    @property
    def is_counter(self) -> bool:
        """A column with an unjudged distribution: it grows, is an id or is left out."""
        return self.column.unjudged is not None

    @property
    def in_season(self) -> bool:
        """Say whether another column shows a time of day or year without training rows."""
        return bool(self.seasonal.names - {self.name})

    @cached_property
    def distance(self) -> float:
        """Bits between all instances; those without a usable value are a cell of their own."""
        return float(jensen_shannon(cells(self.training), cells(self.window)))

    @cached_property
    def bin_distance(self) -> float:
        """Bits between the present values."""
        return self.distance_to(self.training_bins)

    def distance_to(self, expected: NDArray[np.float64]) -> float:
        """Bits between the window's values and other shares of the same bins."""
        return float(jensen_shannon(expected, self.window.bins))

    @cached_property
    def chance_distance(self) -> float:
        """Bits explained by chance."""
        occupied = np.count_nonzero(self.training.bins)
        rows = sum(self.training.bins)
        chance = noise.largest_divergence(occupied, self.present, rows, alpha=ALPHA)
        return float(self.column.dispersion * chance)

    @property
    def tolerated(self) -> float:
        """Bits explained by training's time blocks and chance."""
        return self.scale * self.column.limit + self.chance_distance

    @property
    def moved(self) -> bool:
        return self.bin_distance > self.tolerated

    @property
    def fit(self) -> float:
        """Most bits between the window's shares and a fit, however far the column moves alone."""
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
        return float(dispersion) * chance_of_share(
            share, self.witnesses, self.training.total, alpha
        )


def chance_of_share(share: float, witnesses: float, rows: float, alpha: float = ALPHA) -> float:
    """By how much chance moves a share; a rare one as much as one witness's."""
    likely = min(max(share, 1 / max(1.0, witnesses)), 0.5)
    return float(noise.largest_share_change(likely, witnesses, rows, alpha=alpha))
