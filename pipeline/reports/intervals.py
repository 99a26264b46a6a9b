"""The 95 % interval of each metric that TFMA measured of the candidate, slice by slice.

TFMA's confusion matrices at a thousand thresholds hold the held-out rows by score; the intervals
are a bootstrap's of them.
"""

from typing import Any

import numpy as np

from pipeline.monitoring.quality.estimates import NoFigureError, measured
from pipeline.reports.evaluation import by_name, evaluation_result, slice_of
from pipeline.reports.run_metadata import RunMetadata

Intervals = dict[str, dict[str, list[float]]]  # slice -> metric -> low and high


def intervals(metadata: RunMetadata, metrics: list[str]) -> Intervals:
    """The interval of each metric; a slice of too few rows, or of one class, has none."""
    result = evaluation_result(metadata)
    by_slice: Intervals = {}
    for key, outputs in result.plots if result else []:
        plots = by_name(outputs)
        matrices = plots.get("confusionMatrixAtThresholds", {}).get("matrices", [])
        by_slice[slice_of(key)] = _of_slice(matrices, metrics)
    return by_slice


def _of_slice(matrices: list[dict[str, Any]], metrics: list[str]) -> dict[str, list[float]]:
    positives = _counts(matrices, "truePositives")
    negatives = _counts(matrices, "falsePositives")
    ranges = {}
    for metric in metrics:
        try:
            figure = measured(metric, negatives, positives)
        except NoFigureError:
            continue
        ranges[metric] = [figure.low, figure.high]
    return ranges


def _counts(matrices: list[dict[str, Any]], name: str) -> list[float]:
    """The rows between each two thresholds from 0 to 1; the first threshold lies below 0."""
    above = [float(matrix.get(name, 0.0)) for matrix in matrices]
    between = -np.diff(above)
    if between.size > 1:
        between[1] += between[0]
    counts: list[float] = between[1:].tolist()
    return counts
