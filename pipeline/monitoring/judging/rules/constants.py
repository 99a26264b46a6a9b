"""Constant values: a sensor repeats its last reading, or a default stands for all."""

from math import exp, sqrt

import numpy as np

from pipeline.monitoring.judging.rules.change import ALPHA, SIGMAS, Change
from pipeline.monitoring.judging.rules.logarithms import Logarithms
from pipeline.monitoring.judging.rules.sentences import fault, percent
from pipeline.monitoring.verdict import Finding

ALL = 0.99
VARIED = 0.9  # training's most frequent value had no more; without any value it had 0
PART = 0.25  # of the instances at least have the one value
NEARLY_ALL = 0.9  # beside so many there are few other values
NARROW = 0.05  # of the mean square around training's mean
TWO = 2  # values: the last one before it stands still, and that one


def constant(change: Change) -> Finding | None:
    """As good as all instances have one value, and training varied."""
    most_frequent = change.column.largest_share
    varied = 0 < most_frequent <= VARIED
    by_chance = most_frequent**change.present > ALPHA
    if not change.is_judged or not varied or by_chance:
        return None
    share, value = _most_frequent(change)
    if share < ALL or not _is_single(change):
        return None
    return fault(
        "constant",
        [change],
        f"{change.name} is constant: {percent(share)} of the instances have {value}, in training "
        f"the most frequent value had {percent(most_frequent)}",
        f"look whether what fills {change.name} repeats its last value or a default",
    )


def partly_constant(change: Change) -> Finding | None:
    """A part of the numbers has one value, and the others are as in training."""
    if change.column.bins.kind != "number" or not change.is_judged or not change.moved:
        return None
    growth = change.window_bins - change.training_bins
    place = int(growth.argmax())
    training_share = float(change.training_bins[place])
    window_share = float(change.window_bins[place])
    part = float(growth[place]) / (1 - training_share)
    too_many = part > NEARLY_ALL and not _is_single(change)
    if part < PART + change.chance(training_share) or too_many:
        return None
    mixture = change.training_bins * (1 - part)
    mixture[place] += part
    if change.distance_to(mixture) > change.fit or not _is_narrow(change, part):
        return None
    if change.in_season:
        return None
    bin_name = change.bin_name(place)
    return fault(
        "constant",
        [change],
        f"{change.name} is constant in a part of the instances: {percent(window_share)} of them "
        f"have {bin_name}, in training {percent(training_share)}, and all other values are as in "
        "training",
        f"look whether what fills {change.name} repeats its last value or a default",
    )


def _most_frequent(change: Change) -> tuple[float, str]:
    """The share of the most frequent value, and how it is told."""
    bins = change.column.bins
    place = int(change.window_bins.argmax())
    share = float(change.window_bins[place])
    if bins.kind == "number":
        return share, _number(change, place)
    if place < len(bins.values):
        return share, change.bin_name(place)
    counts = change.window.other_values
    value = max(counts, key=lambda name: counts[name], default="")
    count = counts.get(value, 0)
    return count / sum(change.window.bins), repr(value)


def _number(change: Change, place: int) -> str:
    """The one value, by the mean of its logarithms, or its bin."""
    counts = change.window
    if counts.positive < sum(counts.bins):
        return change.bin_name(place)
    mean = counts.log_sum / counts.positive
    return f"about {exp(mean):.4g}"


def _is_narrow(change: Change, part: float) -> bool:
    """The part's own logarithms have no deviation, or it has no logarithm."""
    training = Logarithms.of(change.training)
    window = Logarithms.of(change.window)
    others = (1 - part) * training.positive
    positive = window.positive - others
    if 2 * positive < part:
        return True
    shift = window.mean - training.mean
    mean = window.positive * shift / positive
    squares = window.positive * (window.deviation**2 + shift**2)
    variance = (squares - others * training.deviation**2) / positive - mean**2
    chance = SIGMAS * others / positive * sqrt(2 / change.present)
    return variance <= (NARROW + chance) * (training.deviation**2 + mean**2)


def _is_single(change: Change) -> bool:
    """A bin of numbers has one of them: no more are different than there are beside it."""
    if change.column.bins.kind == "category":
        return True
    distinct = change.window.distinct
    place = int(change.window_bins.argmax())
    instances = np.delete(change.window.bins, place).sum()
    beside = 1 - float(change.training_bins[place])
    if not beside:  # training had no other bin: this one tells no value from another
        return distinct <= TWO
    return distinct < change.training.distinct and beside * (distinct - TWO) <= instances
