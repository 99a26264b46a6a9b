"""What a window of its size can show at all."""

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from pipeline.baseline import noise
from pipeline.baseline.content import Baseline, Column
from pipeline.baseline.distance import jensen_shannon
from pipeline.monitoring.distances import Distance, alpha, cells, judged
from pipeline.monitoring.verdict import Smallest

NOISIEST = 0.05  # bits: with more chance than that a window is not judged
FACTORS = np.exp(np.arange(0.01, 2.31, 0.01))  # 1.01 to 10
PERCENTS = np.linspace(0, 1, 101)
SMALLEST_CELLS = 2


def needed_instances(baseline: Baseline) -> int:
    """How many single requests a window needs so that half of the columns can be judged."""
    column_alpha = alpha(baseline)
    sizes = [
        column.dispersion * _divergence_of_one(baseline, name, column_alpha) / NOISIEST
        for name, column in judged(baseline).items()
    ]
    return int(np.ceil(np.median(sizes))) if sizes else 1


def smallest(baseline: Baseline, distances: Mapping[str, Distance]) -> Smallest | None:
    """The changes that would have shown in the typical column; None where none is judged."""
    if not distances:
        return None
    shares_ = [distance.share_limit for distance in distances.values()]
    factors = list(_factors(baseline, distances))
    return Smallest(
        scale=float(np.median(factors)) if factors else float(FACTORS[-1]),
        share=float(np.median(shares_)),
    )


def _factors(baseline: Baseline, distances: Mapping[str, Distance]) -> Iterator[float]:
    """Of each column of positive numbers that does not follow the clock."""
    for name, distance in distances.items():
        column = baseline.columns[name]
        if column.calendar or not column.quantiles or column.quantiles[0] < 0:
            continue
        divergences = _scaled_divergences(column)
        above = np.flatnonzero(divergences > distance.limit)
        yield float(FACTORS[above[0]] if above.size else FACTORS[-1])


def _scaled_divergences(column: Column) -> NDArray[np.float64]:
    """The divergence from training of its numbers times each factor, by their quantiles."""
    edges = np.array(column.bins.edges)
    reference = _bin_shares(column, edges)
    scaled = np.stack([_bin_shares(column, edges / factor) for factor in FACTORS])
    return jensen_shannon(scaled, reference)


def _bin_shares(column: Column, edges: NDArray[np.float64]) -> NDArray[np.float64]:
    below = np.interp(edges, column.quantiles, PERCENTS, left=0.0, right=1.0)
    return np.diff(below, prepend=0.0, append=1.0)


def _divergence_of_one(baseline: Baseline, name: str, column_alpha: float) -> float:
    """The bits that chance makes in a window of a single instance."""
    occupied = np.count_nonzero(cells(baseline.reference.columns[name]))
    return float(noise.largest_divergence(occupied, 1, np.inf, alpha=column_alpha))
