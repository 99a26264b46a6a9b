"""Counts by score bin, of scores and labels."""

import numpy as np

from pipeline.baseline.content import Calibration
from pipeline.baseline.profile import SCORE_BINS

BINS = 1000


def binned(scores, labels, bins=BINS):
    """Negatives and positives by bin."""
    is_positive = np.asarray(labels, dtype=bool)
    negatives = counted(scores[~is_positive], bins)
    positives = counted(scores[is_positive], bins)
    return negatives, positives


def fifty_bins(scores):
    """As a profile has them."""
    return counted(scores, SCORE_BINS)


def counted(scores, bins):
    places = (scores * bins).astype(int)
    return np.bincount(np.minimum(places, bins - 1), minlength=bins)


def calibration_of(scores, labels):
    negatives, positives = binned(scores, labels, SCORE_BINS)
    rows = negatives + positives
    return Calibration(rows=tuple(rows.tolist()), positives=tuple(positives.tolist()))
