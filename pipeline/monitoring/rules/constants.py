"""A value that stands still: a sensor that repeats its last reading, a default for all."""

from math import exp

import numpy as np

from pipeline.monitoring.rules.change import ALPHA, Change
from pipeline.monitoring.rules.told import fault, percent
from pipeline.monitoring.verdict import Finding

ALL = 0.99
VARIED = 0.9  # training's most frequent value had no more
PART = 0.25  # of the instances at least have the one value


def constant(change: Change) -> Finding | None:
    """As good as all instances have one value, and training varied."""
    judged = change.column.unjudged is None and not change.clock
    varied = change.column.largest_share <= VARIED
    by_chance = change.column.largest_share**change.present
    if not judged or not varied or by_chance > ALPHA:
        return None
    share, value = _most_frequent(change)
    if share < ALL or not _alone(change):
        return None
    return fault(
        "constant",
        [change],
        f"{change.name} is constant: {percent(share)} of the instances have {value}, in training "
        f"the most frequent value had {percent(change.column.largest_share)}",
        f"look whether what fills {change.name} repeats its last value or a default",
    )


def partly_constant(change: Change) -> Finding | None:
    """A part of the numbers has one value, and the others are as in training."""
    judged = change.column.unjudged is None and not change.clock
    if change.column.bins.kind != "number" or not judged or not change.moved:
        return None
    before, after = change.bins_before, change.bins_after
    place = int(np.argmax(after - before))
    part = (after[place] - before[place]) / (1 - before[place])
    if part < PART + change.chance(before[place]):
        return None
    mixture = before * (1 - part)
    mixture[place] += part
    if change.distance_to(mixture) > change.fit or change.in_season:
        return None
    return fault(
        "constant",
        [change],
        f"{change.name} is constant in a part of the instances: {percent(after[place])} of them "
        f"have {change.bin_name(place)}, in training {percent(before[place])}, and all other "
        "values are as in training",
        f"look whether what fills {change.name} repeats its last value or a default",
    )


def _most_frequent(change: Change) -> tuple[float, str]:
    """The share of the most frequent value, and how it is told."""
    bins = change.column.bins
    place = int(np.argmax(change.bins_after))
    share = float(change.bins_after[place])
    if bins.kind == "number":
        return share, _number(change, place)
    if change.column.personal:
        return 0.0, ""
    if place < len(bins.values):
        return share, change.bin_name(place)
    count, value = max(
        ((n, text) for text, n in change.after.other_values.items()), default=(0, "")
    )
    return count / sum(change.after.bins), repr(value)


def _number(change: Change, place: int) -> str:
    """The one value, by the mean of its logarithms, or its bin."""
    counts = change.after
    if counts.positive == sum(counts.bins):
        return f"about {exp(counts.log_sum / counts.positive):.4g}"
    return change.bin_name(place)


def _alone(change: Change) -> bool:
    """A bin has one number: no more are different than there are beside it."""
    if change.column.bins.kind == "category":
        return True
    place = int(np.argmax(change.bins_after))
    beside = sum(change.after.bins) - change.after.bins[place]
    outside = beside / max(1e-9, 1 - change.bins_before[place])
    return change.after.distinct <= 2 + outside and change.after.distinct < change.before.distinct
