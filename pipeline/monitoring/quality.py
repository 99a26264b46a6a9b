"""The gate's metric of a served model, from counts by score bin.

With labels it is measured. Without them it is expected from the scores and the calibration of
held-out rows alone (confidence-based performance estimation): right where only the mix of requests
has changed, blind where the same request now has another outcome, and wrong where the model scores
what it has never been trained on.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.isotonic import IsotonicRegression

from pipeline.baseline.content import Calibration

Floats: TypeAlias = NDArray[np.float64]
Metric: TypeAlias = Callable[
    [Floats, Floats], Floats
]  # negatives and positives by bin, along the last axis

LEAST_ROWS = 200  # below, no figure
RESAMPLES = 400
LEVEL = 0.95
THRESHOLD = 0.5  # of the classes that accuracy, precision and recall speak of


@dataclass(frozen=True)
class Figure:
    """A metric with its 95 % interval, over so many rows."""

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
    cells = np.stack([np.asarray(negatives, float), np.asarray(positives, float)])
    rows = int(cells.sum())
    if rows < LEAST_ROWS:
        raise NoFigureError(f"{rows} labelled rows, a figure needs {LEAST_ROWS}")
    if not cells.sum(axis=1).all():
        only = "negatives" if cells[0].sum() else "positives"
        raise NoFigureError(f"all {rows} labelled rows are {only}")
    size = min(rows, int(effective or rows))
    resamples = _resampled(cells, size)
    return _figure(metric, cells, resamples, rows)


def expected(
    metric: str, scores: ArrayLike, calibration: Calibration, effective: float | None = None
) -> Figure:
    """The metric that unlabelled instances by score bin let expect; raises NoFigureError.

    Its interval holds the chance in the calibration, too.
    """
    counts = np.asarray(scores, float)
    rows = int(counts.sum())
    if rows < LEAST_ROWS:
        raise NoFigureError(f"{rows} scores, a figure needs {LEAST_ROWS}")
    held_out = np.asarray(calibration.rows, float)
    hits = np.asarray(calibration.positives, float)
    if held_out.sum() < LEAST_ROWS:
        raise NoFigureError(f"{int(held_out.sum())} held-out rows calibrate the scores")
    rates = positive_rates(held_out, hits)
    cells = np.stack([counts * (1 - rates), counts * rates])
    size = min(rows, int(effective or rows))
    resamples = _expected_resamples(counts, held_out, hits, size)
    return _figure(metric, cells, resamples, rows)


def positive_rates(rows: Floats, positives: Floats) -> Floats:
    """The share of positives by score bin, never falling; a bin without rows is interpolated."""
    places = np.arange(len(rows))
    filled = rows > 0
    regression = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip")
    shares = positives[filled] / rows[filled]
    regression.fit(places[filled], shares, sample_weight=rows[filled])
    rates: Floats = regression.predict(places)
    return rates


def _figure(metric: str, cells: Floats, resamples: Floats, rows: int) -> Figure:
    compute = METRICS[metric]
    value = float(compute(cells[0], cells[1]))
    values = compute(resamples[:, 0], resamples[:, 1])
    tail = (1 - LEVEL) / 2
    low, high = np.nanquantile(values, [tail, 1 - tail])
    return Figure(value, float(low), float(high), rows)


def _resampled(cells: Floats, size: int) -> Floats:
    """Bootstrap samples of `size` instances: (RESAMPLES, 2, bins)."""
    shares = cells.ravel() / cells.sum()
    draws = np.random.default_rng(0).multinomial(size, shares, RESAMPLES)
    return draws.reshape(RESAMPLES, *cells.shape).astype(float)


def _expected_resamples(counts: Floats, held_out: Floats, hits: Floats, size: int) -> Floats:
    """Bootstrap samples of the window and of the calibration."""
    generator = np.random.default_rng(0)
    windows = generator.multinomial(size, counts / counts.sum(), RESAMPLES)
    calibrations = np.stack([held_out - hits, hits])
    shares = calibrations.ravel() / calibrations.sum()
    draws = generator.multinomial(int(held_out.sum()), shares, RESAMPLES)
    samples = []
    for window, draw in zip(windows, draws.reshape(RESAMPLES, 2, -1), strict=True):
        rows = draw.sum(axis=0).astype(float)
        rates = positive_rates(rows, draw[1].astype(float))
        samples.append([window * (1 - rates), window * rates])
    return np.asarray(samples)


def _auc(negatives: Floats, positives: Floats) -> Floats:
    """The share of pairs in the right order; pairs within a bin count half."""
    below = np.cumsum(negatives, axis=-1) - negatives
    pairs = (positives * (below + negatives / 2)).sum(axis=-1)
    return _ratio(pairs, negatives.sum(axis=-1) * positives.sum(axis=-1))


def _auc_precision_recall(negatives: Floats, positives: Floats) -> Floats:
    """The average precision: a step for each bin, from the highest score down."""
    hits = np.cumsum(positives[..., ::-1], axis=-1)
    misses = np.cumsum(negatives[..., ::-1], axis=-1)
    precision = np.nan_to_num(_ratio(hits, hits + misses))
    steps = precision * positives[..., ::-1]
    return _ratio(steps.sum(axis=-1), positives.sum(axis=-1))


def _binary_accuracy(negatives: Floats, positives: Floats) -> Floats:
    above = _above(negatives.shape[-1])
    right = (positives * above).sum(axis=-1) + (negatives * ~above).sum(axis=-1)
    return _ratio(right, (positives + negatives).sum(axis=-1))


def _precision(negatives: Floats, positives: Floats) -> Floats:
    above = _above(negatives.shape[-1])
    return _ratio((positives * above).sum(axis=-1), ((positives + negatives) * above).sum(axis=-1))


def _recall(negatives: Floats, positives: Floats) -> Floats:
    above = _above(negatives.shape[-1])
    return _ratio((positives * above).sum(axis=-1), positives.sum(axis=-1))


def _above(bins: int) -> NDArray[np.bool_]:
    return np.arange(bins) >= bins * THRESHOLD


def _ratio(numerator: Floats, denominator: Floats) -> Floats:
    empty = np.full(np.shape(numerator), np.nan)
    return np.divide(numerator, denominator, out=empty, where=np.asarray(denominator) > 0)


METRICS: dict[str, Metric] = {
    "auc": _auc,
    "auc_precision_recall": _auc_precision_recall,
    "binary_accuracy": _binary_accuracy,
    "precision": _precision,
    "recall": _recall,
}
