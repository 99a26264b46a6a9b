"""Numbers partly in another unit: one caller's, or all since some hour."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from math import log, sqrt

import numpy as np

from pipeline.baseline.distance import jensen_shannon
from pipeline.monitoring.judging.rules.change import SIGMAS, Change
from pipeline.monitoring.judging.rules.expected_shares import scaled_shares
from pipeline.monitoring.judging.rules.factors import NAMES, VALUES
from pipeline.monitoring.judging.rules.logarithms import Logarithms
from pipeline.monitoring.judging.rules.sentences import fault, percent
from pipeline.monitoring.verdict import Finding

FEWEST = 200  # witnesses
PART = 0.2  # of the numbers at least
EXPLAINED = 5  # times less distance than training itself
MEAN = 0.1  # of the logarithms, between the mixture and the window
DEVIATION = 0.1  # of theirs, relative
BEYOND = 3  # digits of bits in which factors beyond all bins agree
TINY = 1e-9  # in place of no difference between unit and unit


@dataclass(frozen=True)
class _Mixture:
    """Training's values, a part of them times a factor."""

    factor: float
    name: str
    part: float
    distance: float  # bits from the window


def partial_unit(change: Change) -> Finding | None:
    """Training's values, and a part of them in another unit, explain the window's together."""
    if not change.is_judged or not change.column.quantiles or not change.moved:
        return None
    if change.present < FEWEST:
        return None
    mixtures = [mixture for mixture in _mixtures(change) if _fits(change, mixture)]
    if not mixtures or change.in_season:
        return None
    mixture = min(mixtures, key=partial(_rank, change))
    return fault(
        "unit",
        [change],
        f"{change.name} is in a part of the instances, about {percent(mixture.part)}, as if "
        f"multiplied by {mixture.factor:.4g} ({mixture.name}): together with training's values "
        f"that is {mixture.distance:.2g} bits from the window's, training is "
        f"{change.bin_distance:.2g}",
        f"look which caller sends {change.name} in another unit, or since when",
    )


def _mixtures(change: Change) -> Iterator[_Mixture]:
    """The best part of each factor, by least squares."""
    training = change.training_bins
    scaled = scaled_shares(change.column, change.column.bins.edges, VALUES)
    directions = scaled - training
    lengths = np.square(directions).sum(axis=1)
    projections = directions @ (change.window_bins - training)
    parts = np.clip(projections / np.maximum(lengths, TINY), 0, 1)
    mixtures = training + parts[:, np.newaxis] * directions
    distances = jensen_shannon(mixtures, change.window.bins)
    for place, name in enumerate(NAMES):
        yield _Mixture(
            factor=float(VALUES[place]),
            name=name,
            part=float(parts[place]),
            distance=float(distances[place]),
        )


def _fits(change: Change, mixture: _Mixture) -> bool:
    explained = EXPLAINED * mixture.distance < change.bin_distance
    if mixture.part < PART or not explained or mixture.distance > change.fit:
        return False
    chance = SIGMAS / sqrt(change.present)
    mean_error, deviation_error = _errors(change, mixture)
    return mean_error < MEAN + chance and deviation_error < DEVIATION + chance


def _rank(change: Change, mixture: _Mixture) -> tuple[float, float]:
    """By the bins, and by the logarithms for factors beyond all bins."""
    mean_error, _ = _errors(change, mixture)
    return round(mixture.distance, BEYOND), mean_error


def _errors(change: Change, mixture: _Mixture) -> tuple[float, float]:
    """How far the logarithms' mean and deviation are from the mixture's."""
    training = Logarithms.of(change.training)
    window = Logarithms.of(change.window)
    shift = log(mixture.factor)
    mean = training.mean + mixture.part * shift
    between = mixture.part * (1 - mixture.part) * shift**2
    deviation = sqrt(training.deviation**2 + between)
    mean_error = abs(window.mean - mean)
    deviation_error = abs(window.deviation / max(deviation, TINY) - 1)
    return mean_error, deviation_error
