"""Which columns follow the clock: other windows have other values of them, without any drift."""

import numpy as np
from numpy.typing import NDArray

from pipeline.baseline.content import Calendar

OPEN = 0.3  # of a column's entropy, that a unit of time leaves open at most
COUNTING = 0.98  # rank correlation with time
FIRST_YEAR = 1970
MONTHS = 12


def unit(cells: NDArray[np.uint8], times: NDArray[np.datetime64]) -> Calendar | None:
    """The unit of time that nearly determines the column, or None.

    Daylight saving shifts a local hour against UTC, so that each month is looked at for itself.
    """
    present = ~np.isnat(times)
    column = cells[present].astype(np.int64)
    entropy = _entropy(column)
    if entropy == 0:
        return None
    parts = _parts(times[present])
    month = parts.pop("month")
    if _entropy_given(column, month) <= OPEN * entropy:
        return "month"
    left_open = {
        name: _entropy_given(column, part * MONTHS + month) for name, part in parts.items()
    }
    best = min(left_open, key=lambda name: left_open[name])
    return best if left_open[best] <= OPEN * entropy else None


def is_counter(numbers: NDArray[np.float64], times: NDArray[np.datetime64]) -> bool:
    """Say whether a number grows with time, or is the year."""
    present = ~np.isnat(times) & ~np.isnan(numbers)
    if not present.any():
        return False
    values, moments = numbers[present], times[present]
    years = moments.astype("datetime64[Y]").astype(np.int64) + FIRST_YEAR
    if np.mean(values == years) > COUNTING:
        return True
    if np.ptp(values) == 0:
        return False
    ranks = np.stack([_ranks(values), _ranks(moments.astype(np.int64))])
    correlation = float(np.corrcoef(ranks)[0, 1])
    return abs(correlation) > COUNTING


def _parts(times: NDArray[np.datetime64]) -> dict[Calendar, NDArray[np.int64]]:
    days = times.astype("datetime64[D]")
    months = times.astype("datetime64[M]")
    return {
        "hour": (times - days).astype(np.int64) // 3600,
        "weekday": (days.astype(np.int64) + 4) % 7,
        "day": (days - months).astype(np.int64),
        "month": months.astype(np.int64) % MONTHS,
    }


def _ranks(values: NDArray) -> NDArray[np.int64]:
    return np.searchsorted(np.sort(values), values)


def _entropy(values: NDArray[np.int64]) -> float:
    """In bits, without the bias of few rows (Miller and Madow, 1955)."""
    counts = np.bincount(values)
    positive = counts[counts > 0]
    p = positive / values.size
    bias = (positive.size - 1) / (2 * values.size * np.log(2))
    return float(-(p * np.log2(p)).sum() + bias)


def _entropy_given(values: NDArray[np.int64], condition: NDArray[np.int64]) -> float:
    joint = condition * (int(values.max()) + 1) + values
    return _entropy(joint) - _entropy(condition)
