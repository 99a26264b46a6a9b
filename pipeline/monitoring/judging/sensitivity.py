"""The smallest changes visible in a window of its size."""

from collections.abc import Iterator, Mapping
from math import inf, isfinite

import numpy as np
from numpy.typing import NDArray

from pipeline.baseline import noise
from pipeline.baseline.content import Baseline, Column
from pipeline.baseline.distance import jensen_shannon
from pipeline.baseline.profile import ColumnCounts
from pipeline.monitoring.judging.distances import Distance, alpha, cells, judged
from pipeline.monitoring.verdict import Smallest

NOISIEST = 0.05  # bits: with more chance than that a window is not judged
FACTORS = 1 + np.geomspace(0.01, 9, 40)  # 1.01 to 10
PERCENTS = np.linspace(0, 1, 101)
NARROW = 0.3  # of the logarithms' standard deviation


def needed_instances(baseline: Baseline) -> int:
    """The single requests a window needs for half of the columns to be judged."""
    column_alpha = alpha(baseline)
    sizes = [
        column.dispersion * _divergence_of_one(baseline, name, column_alpha) / NOISIEST
        for name, column in judged(baseline).items()
    ]
    return int(np.ceil(np.median(sizes))) if sizes else 1


def smallest(baseline: Baseline, distances: Mapping[str, Distance]) -> Smallest | None:
    """The smallest visible changes of the typical column; None if no column is judged."""
    if not distances:
        return None
    share_limits = [distance.share_limit for distance in distances.values()]
    factors = list(_factors(baseline, distances))
    factor = float(np.median(factors)) if factors else inf
    return Smallest(
        scale=factor if isfinite(factor) else None,
        share=float(np.median(share_limits)),
    )


def _factors(baseline: Baseline, distances: Mapping[str, Distance]) -> Iterator[float]:
    """The smallest visible factor of each column with numbers of different sizes, or inf."""
    for name, distance in distances.items():
        column = baseline.columns[name]
        if column.calendar or not _is_wide(baseline.reference.columns[name]):
            continue
        divergences = _scaled_divergences(column)
        above = np.flatnonzero(divergences > distance.limit)
        yield float(FACTORS[above[0]]) if above.size else inf


def _is_wide(counts: ColumnCounts) -> bool:
    """Say whether most values are positive and of different sizes: no latitudes, no codes."""
    if 2 * counts.positive <= sum(counts.bins):
        return False
    mean = counts.log_sum / counts.positive
    variance = counts.log_square_sum / counts.positive - mean**2
    return variance > NARROW**2


def _scaled_divergences(column: Column) -> NDArray[np.float64]:
    """The divergence from training of its numbers times each factor, by their quantiles."""
    edges = np.array(column.bins.edges)
    factors = np.concatenate(([1.0], FACTORS))
    scaled_edges = edges / factors[:, None]
    below = np.interp(scaled_edges, column.quantiles, PERCENTS, left=0.0, right=1.0)
    reference, *scaled = np.diff(below, prepend=0.0, append=1.0)
    return jensen_shannon(scaled, reference)


def _divergence_of_one(baseline: Baseline, name: str, column_alpha: float) -> float:
    """The bits of chance in a window of a single instance."""
    occupied = np.count_nonzero(cells(baseline.reference.columns[name]))
    return float(noise.largest_divergence(occupied, 1, np.inf, alpha=column_alpha))
