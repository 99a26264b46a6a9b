"""Columns of the clock: other windows have other values of them, without any drift."""

import numpy as np
from numpy.typing import NDArray

from pipeline.baseline.content import Calendar

OPEN = 0.3  # of a column's entropy, that a unit of time leaves open at most
COUNTING = 0.98  # of the rows, or of the rank correlation with time, at least
FIRST_YEAR = 1970
FIRST_WEEKDAY = 4  # of 1970-01-01: a Thursday
MONTHS = 12
UNITS: tuple[Calendar, ...] = ("hour", "weekday", "day")


def unit(cells: NDArray[np.uint8], times: NDArray[np.datetime64]) -> Calendar | None:
    """The unit of time to nearly determine the bin by, or None.

    Daylight saving shifts a local hour against UTC: each month is looked at by itself.
    """
    present = ~np.isnat(times)
    column = cells[present].astype(np.int64)
    entropy = _entropy(column)
    if entropy == 0:
        return None
    parts = _parts(times[present])
    month = parts["month"]
    if _entropy_given(column, month) <= OPEN * entropy:
        return "month"
    left_open = {name: _entropy_given(column, parts[name] * MONTHS + month) for name in UNITS}
    nearest = min(UNITS, key=lambda name: left_open[name])
    return nearest if left_open[nearest] <= OPEN * entropy else None


def is_counter(numbers: NDArray[np.float64], times: NDArray[np.datetime64]) -> bool:
    """Say whether a number grows with time, or is the year."""
    present = ~np.isnat(times) & ~np.isnan(numbers)
    values, moments = numbers[present], times[present]
    if not values.size:
        return False
    years = moments.astype("datetime64[Y]").astype(np.int64) + FIRST_YEAR
    share = np.mean(values == years)
    return bool(share > COUNTING) or _grows(values, moments)


def _grows(values: NDArray[np.float64], moments: NDArray[np.datetime64]) -> bool:
    seconds = moments.astype(np.int64)
    if np.ptp(values) == 0 or np.ptp(seconds) == 0:
        return False
    ranks = [_ranks(values), _ranks(seconds)]
    correlation = float(np.corrcoef(ranks)[0, 1])
    return abs(correlation) > COUNTING


def _parts(times: NDArray[np.datetime64]) -> dict[Calendar, NDArray[np.int64]]:
    days = times.astype("datetime64[D]")
    months = times.astype("datetime64[M]")
    seconds = (times - days).astype(np.int64)
    day_numbers = days.astype(np.int64)
    return {
        "hour": seconds // 3600,
        "weekday": (day_numbers + FIRST_WEEKDAY) % 7,
        "day": (days - months).astype(np.int64),
        "month": months.astype(np.int64) % MONTHS,
    }


def _ranks(values: NDArray[np.float64] | NDArray[np.int64]) -> NDArray[np.int64]:
    ordered = np.sort(values)
    return np.searchsorted(ordered, values)


def _entropy(values: NDArray[np.int64]) -> float:
    """In bits, without the bias of few rows (Miller, 1955); 0 without any."""
    if not values.size:
        return 0.0
    counts = np.bincount(values)
    positive = counts[counts > 0]
    p = positive / values.size
    bias = (positive.size - 1) / (2 * values.size * np.log(2))
    terms = p * np.log2(p)
    return float(bias - terms.sum())


def _entropy_given(values: NDArray[np.int64], condition: NDArray[np.int64]) -> float:
    width = int(values.max()) + 1
    joint = condition * width + values
    return _entropy(joint) - _entropy(condition)
