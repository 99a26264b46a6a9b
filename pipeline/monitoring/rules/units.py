"""Numbers in another unit: all of them multiplied by the same factor."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import exp, log, sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pipeline.baseline.content import Column
from pipeline.baseline.distance import jensen_shannon
from pipeline.monitoring.rules.change import SIGMAS, Change
from pipeline.monitoring.rules.factors import NAMED
from pipeline.monitoring.rules.logarithms import Logarithms
from pipeline.monitoring.rules.told import fault
from pipeline.monitoring.verdict import Finding

FEWEST = 200  # witnesses: of fewer the bins tell little
SMALLEST = 1.1  # a factor of less is a change of prices
SMALLEST_IN_SEASON = 1.5
SMALLEST_OF_COUNTER = 10.0
EXPLAINED = 3  # times less distance than unscaled
NEAR = 0.05  # of its logarithm: an estimate has the name of a factor so near
AROUND = np.exp(np.linspace(-0.2, 0.2, 81))  # the means of logarithms, where bins may fit better
INFORMATIVE = 3  # bins with values: fewer fit many factors
DEVIATION = 0.2  # of the logarithms' standard deviation, relative
TINY = 1e-9  # in place of no deviation
POSITIVE = 0.02  # of the share of numbers above zero


@dataclass(frozen=True)
class Factor:
    value: float
    distance: float  # bits between the window and training's values times it
    name: str | None = None

    def __str__(self) -> str:
        shown = f"{self.value:.4g}"
        return f"{shown} ({self.name})" if self.name else shown


def unit(change: Change) -> Finding | None:
    """Training's values explain the window's once they are multiplied by one factor."""
    number = change.column.bins.kind == "number" and change.column.quantiles
    if not number or change.clock or change.present < FEWEST or not _apart(change):
        return None
    factors = sorted(_factors(change), key=lambda factor: (factor.name is None, factor.distance))
    fitting = [factor for factor in factors if _differs(change, factor) and _fits(change, factor)]
    factor = fitting[0] if fitting else None
    if factor is None or _seasonal(change, factor):
        return None
    return fault(
        "unit",
        [change],
        f"{change.name} is as if multiplied by {factor}: training's values times it differ from "
        f"the window's by {factor.distance:.2g} bits, as they are by {change.bin_distance:.2g}",
        f"send {change.name} in the unit of the training rows: divided by {factor.value:.4g}",
    )


def between(
    column: Column, edges: Sequence[float], factors: ArrayLike = 1.0
) -> NDArray[np.float64]:
    """Shares of a column's training values between edges, had they been multiplied.

    Several factors give a row each.
    """
    quantiles = np.asarray(column.quantiles)
    ranks = np.linspace(0, 1, quantiles.size)
    scaled = np.divide.outer(np.asarray(edges, dtype=np.float64), factors).T
    below = np.interp(scaled, quantiles, ranks, left=0, right=1)
    return np.diff(below, prepend=0.0, append=1.0)


def _factors(change: Change) -> Iterator[Factor]:
    """The best estimate; with it a factor with a name that is near, or that fits bins."""
    estimate = _estimate(change)
    if estimate is not None:
        yield estimate
        value, name = min(NAMED, key=lambda entry: abs(log(entry[0] / estimate.value)))
        if abs(log(value / estimate.value)) < NEAR:
            yield Factor(value, _distance(change, value), name)
    elif _informative(change):
        distances = _distances(change, [value for value, _ in NAMED])
        place = int(distances.argmin())
        value, name = NAMED[place]
        yield Factor(value, float(distances[place]), name)


def _estimate(change: Change) -> Factor | None:
    """By the mean logarithm, and near it by the bins."""
    before, after = Logarithms.of(change.before), Logarithms.of(change.after)
    if not before.positive or not after.positive:
        return None
    mean = exp(after.mean - before.mean)
    if not _informative(change):
        return Factor(mean, _distance(change, mean)) if _same_form(change) else None
    factors = mean * AROUND
    distances = _distances(change, factors)
    place = int(distances.argmin())
    return Factor(float(factors[place]), float(distances[place]))


def _informative(change: Change) -> bool:
    """The window's values are in bins enough to tell a factor by."""
    least = 1 / (4 * change.column.bins.count)
    return int(np.count_nonzero(change.bins_after > least)) >= INFORMATIVE


def _same_form(change: Change) -> bool:
    """As many numbers are positive, and their logarithms vary as much."""
    before, after = Logarithms.of(change.before), Logarithms.of(change.after)
    tolerated = POSITIVE + change.chance(before.positive)
    if abs(after.positive - before.positive) > tolerated:
        return False
    if change.column.unjudged is not None:
        return True
    ratio = after.deviation / max(before.deviation, TINY)
    return abs(ratio - 1) <= DEVIATION + SIGMAS / sqrt(2 * max(1.0, change.present))


def _differs(change: Change, factor: Factor) -> bool:
    """The factor is neither near 1 nor chance."""
    size = abs(log(factor.value))
    if change.column.unjudged is not None:
        return factor.name is not None and size > log(SMALLEST_OF_COUNTER)
    chance = Logarithms.of(change.before).deviation / sqrt(max(1.0, change.present))
    return size > log(SMALLEST) + chance * sqrt(change.column.dispersion)


def _seasonal(change: Change, factor: Factor) -> bool:
    """Other hours have longer trips; none are as much longer as a unit is."""
    large = factor.name is not None and abs(log(factor.value)) > log(SMALLEST_IN_SEASON)
    return not large and change.in_season


def _fits(change: Change, factor: Factor) -> bool:
    if change.column.unjudged is not None:
        return True
    explained = EXPLAINED * factor.distance < change.bin_distance
    return explained and factor.distance <= change.fit


def _apart(change: Change) -> bool:
    return change.column.unjudged is not None or change.bin_distance > change.chance_distance


def _distance(change: Change, factor: float) -> float:
    [distance] = _distances(change, [factor])
    return float(distance)


def _distances(change: Change, factors: ArrayLike) -> NDArray[np.float64]:
    """Bits between the window and training's values times each factor."""
    expected = between(change.column, change.column.bins.edges, factors)
    return jensen_shannon(expected, change.after.bins)
