"""Moments of the logarithms of a column's numbers: they shift with the unit."""

from dataclasses import dataclass
from math import sqrt

from pipeline.baseline.profile import ColumnCounts


@dataclass(frozen=True)
class Logarithms:
    """Moments over the numbers above zero; `positive` is the share of these among all."""

    positive: float
    mean: float
    deviation: float

    @classmethod
    def of(cls, counts: ColumnCounts) -> "Logarithms":
        if not counts.positive:
            return cls(0.0, 0.0, 0.0)
        positive = counts.positive / sum(counts.bins)
        mean = counts.log_sum / counts.positive
        square_mean = counts.log_square_sum / counts.positive
        variance = max(0.0, square_mean - mean**2)
        return cls(positive, mean, sqrt(variance))
