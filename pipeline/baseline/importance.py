"""A model's need of a column: the loss of the gate's metric by shuffling the column.

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
    """The metric's loss by column; empty if the rows are all of one class.

    `scores` gives the rows' scores with this column shuffled, or as they are for None.
    """
    classes = np.unique(labels)
    if classes.size < 2:
        return {}
    all_scores = scores(None)
    whole = metric_value(metric, labels, all_scores)
    losses = {}
    for column in columns:
        permuted_scores = scores(column)
        losses[column] = whole - metric_value(metric, labels, permuted_scores)
    return losses


def metric_value(metric: str, labels: NDArray[np.float64], scores: NDArray[np.float64]) -> float:
    """The metric by its name in the gate; the labels hold both classes."""
    answers = scores > THRESHOLD
    value: float
    match metric:
        case "auc":
            value = metrics.roc_auc_score(labels, scores)
        case "auc_precision_recall":
            value = metrics.average_precision_score(labels, scores)
        case "binary_accuracy":
            value = metrics.accuracy_score(labels, answers)
        case "precision":
            value = metrics.precision_score(labels, answers, zero_division=0)
        case "recall":
            value = metrics.recall_score(labels, answers)
        case _:
            raise ValueError(f"{metric} is no metric of a gate")
    return float(value)


def sample(rows: int) -> NDArray[np.int64]:
    """The rows to ask about, in order; the same ones each time."""
    order = permutation(rows)
    return np.sort(order[:ROWS])


def permutation(rows: int) -> NDArray[np.int64]:
    """The rows in another order; the same one each time."""
    generator = np.random.default_rng(SEED)
    return generator.permutation(rows)
