"""Pairs of columns with dependent values: shuffled rows of one column show in no other count."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from pipeline.baseline import bins, blocks, counting, limits
from pipeline.baseline.columns import TrainingColumn
from pipeline.baseline.content import Bins, Pair
from pipeline.baseline.max_t import Tolerance

MOST = 8
BINS = 5  # of each column, about: a category's bin of all others included
WEAKEST = 0.02  # bits of mutual information


@dataclass(frozen=True, kw_only=True)
class Coarse:
    """A column in few bins, and the bin of each row."""

    bins: Bins
    places: NDArray[np.int16]

    @classmethod
    def of(cls, column: TrainingColumn) -> "Coarse":
        if column.numbers is None:
            texts = counting.as_texts(column.array)
            coarse_bins = bins.of_categories(texts, BINS - 1)
        else:
            coarse_bins = bins.of_numbers(column.numbers, BINS)
        return cls(bins=coarse_bins, places=counting.places(coarse_bins, column.array))


@dataclass(frozen=True, kw_only=True)
class TrainingPair:
    """Two columns, and the cell of each row; the last cell is of rows without one of both."""

    pair: Pair
    cells: NDArray[np.uint8]
    table: NDArray[np.int64]  # by block, without the last cell

    @property
    def counts(self) -> tuple[int, ...]:
        by_cell = np.bincount(self.cells, minlength=self.table.shape[1] + 1)
        return tuple(by_cell[:-1].tolist())

    def tolerance(self) -> Tolerance:
        judged_cells = self.table.shape[1]
        return Tolerance(
            cells=self.cells,
            width=judged_cells + 1,
            judged=slice(judged_cells),
            by_share=slice(0),
            limit=self.pair.limit,
            share_limit=1.0,
        )


def training_pairs(columns: Mapping[str, TrainingColumn]) -> list[TrainingPair]:
    """The strongest pairs of these columns."""
    coarse = {name: Coarse.of(column) for name, column in columns.items()}
    return [
        _training_pair(columns[left], coarse[left], columns[right], coarse[right])
        for left, right in strongest(coarse)
    ]


def strongest(columns: Mapping[str, Coarse]) -> list[tuple[str, str]]:
    """The pairs with the most mutual information, without a pair already joined by others.

    They are the strongest branches of Chow and Liu's tree (1968): many a column takes part.
    """
    strengths = [
        (_mutual_information(columns[left], columns[right]), left, right)
        for left, right in combinations(columns, 2)
    ]
    group = {name: name for name in columns}
    branches: list[tuple[str, str]] = []
    for strength, left, right in sorted(strengths, key=lambda entry: -entry[0]):
        if strength < WEAKEST or len(branches) == MOST:
            break
        former, joined = group[right], group[left]
        if former != joined:
            branches.append((left, right))
            group = {name: joined if root == former else root for name, root in group.items()}
    return branches


def _training_pair(
    left: TrainingColumn, left_coarse: Coarse, right: TrainingColumn, right_coarse: Coarse
) -> TrainingPair:
    count = left_coarse.bins.count * right_coarse.bins.count
    rows = left_coarse.places.astype(np.int64)
    cells = rows * right_coarse.bins.count + right_coarse.places
    missing = (left_coarse.places < 0) | (right_coarse.places < 0)
    present_or_last = np.where(missing, count, cells).astype(np.uint8)
    by_block = blocks.table(left.clock.row_blocks.numbers, present_or_last, count + 1)
    table = by_block[:, :count]
    pair = Pair(
        left=left.name,
        right=right.name,
        left_bins=left_coarse.bins,
        right_bins=right_coarse.bins,
        limit=limits.of_divergence(table),
    )
    return TrainingPair(pair=pair, cells=present_or_last, table=table)


def _mutual_information(left: Coarse, right: Coarse) -> float:
    """In bits."""
    cells = counting.table_counts(left.places, right.places, left.bins.count, right.bins.count)
    total = cells.sum()
    if not total:
        return 0.0
    joint = cells.reshape(left.bins.count, right.bins.count) / total
    independent = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0, keepdims=True)
    positive = joint > 0
    ratio = joint[positive] / independent[positive]
    return float((joint[positive] * np.log2(ratio)).sum())
