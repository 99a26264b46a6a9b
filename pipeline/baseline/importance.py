"""How much a model needs a column: the gate's metric that it loses where the column is shuffled.

Breiman, "Random Forests", Machine Learning 45 (2001), section 10; on held-out rows.
"""

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray
from sklearn import metrics

ROWS = 10_000  # held-out rows that are asked about, at most
SEED = 20261128
THRESHOLD = 0.5  # TFMA's, above which a score means the class 1


def importances(
    columns: Iterable[str],
    metric: str,
    labels: NDArray[np.float64],
    scores: Callable[[str | None], NDArray[np.float64]],
) -> dict[str, float]:
    """The metric's loss by column; empty where the rows are all of one class.

    `scores` gives the rows' scores with this column shuffled, or as they are for None.
    """
    if np.unique(labels).size < 2:
        return {}
    whole = measured(metric, labels, scores(None))
    return {column: whole - measured(metric, labels, scores(column)) for column in columns}


def measured(metric: str, labels: NDArray[np.float64], scores: NDArray[np.float64]) -> float:
    """The metric by its name in the gate; the labels hold both classes."""
    if metric == "auc":
        return float(metrics.roc_auc_score(labels, scores))
    if metric == "auc_precision_recall":
        return float(metrics.average_precision_score(labels, scores))
    answers = scores > THRESHOLD
    if metric == "binary_accuracy":
        return float(metrics.accuracy_score(labels, answers))
    score = {"precision": metrics.precision_score, "recall": metrics.recall_score}[metric]
    return float(score(labels, answers, zero_division=0))


def sample(rows: int) -> NDArray[np.int64]:
    """The rows that are asked about, in order; the same ones each time."""
    return np.sort(_generator().permutation(rows)[:ROWS])


def permutation(rows: int) -> NDArray[np.int64]:
    """The rows in another order; the same one each time."""
    return _generator().permutation(rows)


def _generator() -> np.random.Generator:
    return np.random.default_rng(SEED)
