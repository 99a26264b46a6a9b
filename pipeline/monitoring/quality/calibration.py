"""How far what came true is from what the scores of held-out rows promised, in one number.

It is the root of the mean squared gap between observed and expected shares of positives by score
bin, without what chance alone would show (Kumar, Liang and Ma 2019, Verified Uncertainty
Calibration, arxiv.org/abs/1909.10155: the debiased estimator).
"""

import math

import numpy as np
from numpy.typing import ArrayLike

from pipeline.baseline.content import Calibration
from pipeline.monitoring.quality.bin_metrics import Floats
from pipeline.monitoring.quality.estimates import Figure, calibration_cells, labelled_cells

DEVIATIONS = 1.96  # of a 95 % interval


def gap(
    negatives: ArrayLike,
    positives: ArrayLike,
    calibration: Calibration,
    effective: float | None = None,
) -> Figure:
    """The typical gap of a share of positives, 0 to 1; raises NoFigureError.

    The bins of the labelled rows may be finer than the calibration's.
    """
    cells = labelled_cells(negatives, positives)
    rows = cells.sum()
    promised = calibration_cells(calibration)
    fine = cells.reshape(*promised.shape, -1)
    observed = fine.sum(axis=-1)
    weights = _rows(observed) / rows
    squares = _share_gaps(observed, promised) ** 2
    independent = rows if effective is None else min(rows, effective)
    noise = _noise(observed * independent / rows) + _noise(promised)
    mean = float(weights @ (squares - noise))
    margin = DEVIATIONS * _deviation(weights, squares, noise)
    return Figure(_root(mean), _root(mean - margin), _root(mean + margin), int(rows))


def _share_gaps(observed: Floats, promised: Floats) -> Floats:
    """By bin; 0 where one of both has no rows."""
    shares = _shares(observed) - _shares(promised)
    return np.nan_to_num(shares)


def _deviation(weights: Floats, squares: Floats, noise: Floats) -> float:
    """The standard deviation of the mean of squares of normal gaps."""
    true_squares = np.maximum(squares - noise, 0)
    variances = 4 * true_squares * noise + 2 * noise**2
    return math.sqrt(weights**2 @ variances)


def _noise(cells: Floats) -> Floats:
    """The variance of each bin's share; a bin of one class has that of one row more of each."""
    rows = _rows(cells) + 2
    shares = (cells[1] + 1) / rows
    return shares * (1 - shares) / rows


def _shares(cells: Floats) -> Floats:
    """Of positives by bin; NaN without rows."""
    rows = _rows(cells)
    nothing = np.full(rows.shape, np.nan)
    return np.divide(cells[1], rows, out=nothing, where=rows > 0)


def _rows(cells: Floats) -> Floats:
    rows: Floats = cells.sum(axis=0)
    return rows


def _root(square: float) -> float:
    return math.sqrt(max(square, 0.0))
