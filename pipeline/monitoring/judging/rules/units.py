"""Numbers in another unit: all of them multiplied by the same factor."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import exp, log, sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pipeline.baseline.distance import jensen_shannon
from pipeline.monitoring.judging.rules.change import SIGMAS, Change
from pipeline.monitoring.judging.rules.expected_shares import scaled_shares
from pipeline.monitoring.judging.rules.factors import NAMES, VALUES
from pipeline.monitoring.judging.rules.logarithms import Logarithms
from pipeline.monitoring.judging.rules.sentences import fault
from pipeline.monitoring.verdict import Finding

FEWEST = 200  # witnesses: of fewer the bins tell little
SMALLEST = log(1.1)  # a factor of less is a change of prices
SMALLEST_IN_SEASON = log(1.5)
SMALLEST_OF_COUNTER = log(10)
LARGEST = 600.0  # of a factor's logarithm that a float holds
EXPLAINED = 3  # times less distance than unscaled
NEAR = 0.05  # of a ratio's logarithm: a factor so near gives it its name
AROUND = 0.2  # the same, where the bins tell factors apart
INFORMATIVE = 3  # bins with values: fewer fit many factors
DEVIATION = 0.2  # of the logarithms' standard deviation, relative
STEPS = np.linspace(-2, 2, 21)  # standard errors
TINY = 1e-9  # in place of no deviation
POSITIVE = 0.02  # of the share of numbers above zero


@dataclass(frozen=True)
class Factor:
    value: float
    distance: float  # bits between the window and training's values times it
    name: str | None = None

    def __str__(self) -> str:
        digits = f"{self.value:.4g}"
        return f"{digits} ({self.name})" if self.name else digits

    @property
    def size(self) -> float:
        """How far from 1, up or down, on a logarithmic scale."""
        return abs(log(self.value))


def unit(change: Change) -> Finding | None:
    """Training's values explain the window's once they are multiplied by one factor."""
    if not _is_testable(change):
        return None
    fitting = [factor for factor in _factors(change) if _fits(change, factor)]
    if not fitting:
        return None
    factor = min(fitting, key=lambda one: one.distance)
    if _is_seasonal(change, factor):
        return None
    return fault(
        "unit",
        [change],
        f"{change.name} is as if multiplied by {factor}: training's values times it differ from "
        f"the window's by {factor.distance:.2g} bits, as they are by {change.bin_distance:.2g}",
        f"send {change.name} in the unit of the training rows: divided by {factor.value:.4g}",
    )


def _is_testable(change: Change) -> bool:
    """A number with witnesses enough, and further from training than chance takes it."""
    if change.is_clock or change.present < FEWEST or not change.column.quantiles:
        return False
    return change.is_counter or change.bin_distance > change.chance_distance


def _factors(change: Change) -> Iterator[Factor]:
    """One with a name, near the mean logarithms' or by the bins alone; else the mean's own."""
    ratio = _ratio(change)
    informative = _is_informative(change)
    if not informative and not _have_one_form(change):
        return
    if ratio is None:
        yield from _named(change, np.zeros(VALUES.size), AROUND)
        return
    errors = np.abs(np.log(VALUES) - log(ratio))
    yield from _named(change, errors, AROUND if informative else NEAR)
    if errors.min() >= NEAR:
        yield _nameless(change, ratio)


def _ratio(change: Change) -> float | None:
    """Of the geometric means of the positive numbers."""
    training = Logarithms.of(change.training)
    window = Logarithms.of(change.window)
    if not training.positive or not window.positive:
        return None
    difference = np.clip(window.mean - training.mean, -LARGEST, LARGEST)
    return exp(difference)


def _named(change: Change, errors: NDArray[np.float64], reach: float) -> Iterator[Factor]:
    """The best fitting factor with an error within reach, the nearest of equals."""
    distances = _distances(change, VALUES) + TINY * errors
    reachable = np.where(errors < reach, distances, np.inf)
    place = int(reachable.argmin())
    if errors[place] < reach:
        yield Factor(float(VALUES[place]), float(distances[place]), NAMES[place])


def _nameless(change: Change, ratio: float) -> Factor:
    """The best fitting factor within chance's distance of the ratio: values lie in steps."""
    factors = ratio * np.exp(_chance(change) * STEPS)
    distances = _distances(change, factors)
    place = int(distances.argmin())
    return Factor(float(factors[place]), float(distances[place]))


def _chance(change: Change) -> float:
    """The standard error of the mean logarithm."""
    deviation = Logarithms.of(change.training).deviation
    return deviation * sqrt(change.column.dispersion / change.present)


def _is_informative(change: Change) -> bool:
    """The window's values are in bins enough to tell a factor by."""
    least = 0.25 / change.column.bins.count
    filled_bins = np.count_nonzero(change.window_bins > least)
    return int(filled_bins) >= INFORMATIVE


def _have_one_form(change: Change) -> bool:
    """As many numbers are positive, and their logarithms vary as much."""
    training = Logarithms.of(change.training)
    window = Logarithms.of(change.window)
    more_positive = abs(window.positive - training.positive)
    if more_positive > POSITIVE + change.chance(training.positive):
        return False
    if change.is_counter:
        return True
    chance = SIGMAS / sqrt(2 * change.present)
    ratio = window.deviation / max(training.deviation, TINY)
    return abs(ratio - 1) <= DEVIATION + chance


def _fits(change: Change, factor: Factor) -> bool:
    """The factor is not near 1, nor chance, and explains the window's bins."""
    if change.is_counter:
        return factor.name is not None and factor.size > SMALLEST_OF_COUNTER
    if factor.size <= SMALLEST + _chance(change) or factor.distance > change.fit:
        return False
    return EXPLAINED * factor.distance < change.bin_distance


def _is_seasonal(change: Change, factor: Factor) -> bool:
    """Other hours have longer trips, by no large factor with a name."""
    large = factor.name and factor.size > SMALLEST_IN_SEASON
    return not large and change.in_season


def _distances(change: Change, factors: ArrayLike) -> NDArray[np.float64]:
    """Bits between the window and training's values times each factor."""
    edges = change.column.bins.edges
    expected = scaled_shares(change.column, edges, factors)
    return jensen_shannon(expected, change.window.bins)
