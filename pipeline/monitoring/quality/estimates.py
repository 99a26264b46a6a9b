"""The gate's metric of a served model, from counts by score bin.

With labels it is measured. Without them it is expected from the scores and the calibration of
held-out rows alone (confidence-based performance estimation,
nannyml.readthedocs.io/en/stable/how_it_works/performance_estimation.html): right where only the
mix of requests has changed, blind where the same request now has another outcome, and wrong where
the model scores what it has never been trained on.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from sklearn.isotonic import IsotonicRegression

from pipeline.baseline.content import Calibration
from pipeline.monitoring.quality.bin_metrics import METRICS, Floats

LEAST_ROWS = 200  # below, no figure
RESAMPLES = 200
TAIL = 0.025  # on each side of a 95 % interval
TAILS = (TAIL, 1 - TAIL)


@dataclass(frozen=True)
class Figure:
    """A number with its 95 % interval, over so many rows."""

    value: float
    low: float
    high: float
    rows: int


class NoFigureError(Exception):
    """The rows allow no figure; the message is a sentence's part."""


def measured(
    metric: str, negatives: ArrayLike, positives: ArrayLike, effective: float | None = None
) -> Figure:
    """The metric of labelled instances by score bin, scores ascending; raises NoFigureError.

    `effective` is the number of independent rows where that is smaller.
    """
    cells = labelled_cells(negatives, positives)
    resamples = resampled(cells, effective)
    return _figure(metric, cells, resamples)


def labelled_cells(negatives: ArrayLike, positives: ArrayLike) -> Floats:
    """Both classes by bin; raises NoFigureError for too few rows, or of one class."""
    cells = np.array([negatives, positives], dtype=np.float64)
    rows = int(cells.sum())
    if rows < LEAST_ROWS:
        raise NoFigureError(f"{rows} labelled rows, a figure needs {LEAST_ROWS}")
    of_negatives, of_positives = cells.sum(axis=1)
    if not of_positives:
        raise NoFigureError(f"all {rows} labelled rows are negatives")
    if not of_negatives:
        raise NoFigureError(f"all {rows} labelled rows are positives")
    return cells


def expected(
    metric: str, scores: ArrayLike, calibration: Calibration, effective: float | None = None
) -> Figure:
    """The metric that unlabelled instances by score bin let expect; raises NoFigureError.

    Its interval holds the chance in the calibration, too.
    """
    counts = np.asarray(scores, dtype=np.float64)
    rows = int(counts.sum())
    if rows < LEAST_ROWS:
        raise NoFigureError(f"{rows} scores, a figure needs {LEAST_ROWS}")
    held_out = calibration_cells(calibration)
    held_out_rows = int(held_out.sum())
    if held_out_rows < LEAST_ROWS:
        raise NoFigureError(f"{held_out_rows} held-out rows calibrate the scores")
    windows = resampled(counts, effective)
    calibrations = resampled(held_out)
    pairs = zip(windows, calibrations, strict=True)
    resamples = np.array([_expected_cells(window, cells) for window, cells in pairs])
    cells = _expected_cells(counts, held_out)
    return _figure(metric, cells, resamples)


def calibration_cells(calibration: Calibration) -> Floats:
    """Both classes of the held-out rows by bin."""
    rows = np.array(calibration.rows, dtype=np.float64)
    positives = np.array(calibration.positives, dtype=np.float64)
    return np.stack([rows - positives, positives])


def positive_rates(cells: Floats) -> Floats:
    """The share of positives by score bin, never falling; a bin without rows is interpolated."""
    rows = cells.sum(axis=0)
    [filled] = np.nonzero(rows)
    shares = cells[1, filled] / rows[filled]
    regression = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip")
    regression.fit(filled, shares, sample_weight=rows[filled])
    places = np.arange(rows.size)
    rates: Floats = regression.predict(places)
    return rates


def resampled(cells: Floats, effective: float | None = None) -> Floats:
    """Bootstrap samples of as many instances, or of `effective` ones: one more axis, in front."""
    rows = cells.sum()
    size = rows if effective is None else min(rows, effective)
    shares = cells.ravel() / rows
    generator = np.random.default_rng(cells.size)
    draws = generator.multinomial(int(size), shares, RESAMPLES)
    return draws.reshape(RESAMPLES, *cells.shape).astype(np.float64)


def _expected_cells(counts: Floats, held_out: Floats) -> Floats:
    rates = positive_rates(held_out)
    return np.stack([counts * (1 - rates), counts * rates])


def _figure(metric: str, cells: Floats, resamples: Floats) -> Figure:
    compute = METRICS[metric]
    negatives, positives = cells
    value = compute(negatives, positives)
    if np.isnan(value):
        raise NoFigureError("no score says positive")
    values = compute(resamples[:, 0], resamples[:, 1])
    low, high = np.nanquantile(values, TAILS)
    return Figure(float(value), float(low), float(high), int(cells.sum()))
