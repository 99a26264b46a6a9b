"""The change of a column that is tolerated, by what its own time blocks showed."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.baseline import noise
from pipeline.baseline.blocks import RowBlocks
from pipeline.baseline.content import Bins
from pipeline.baseline.distance import jensen_shannon, shares

FLOOR = 0.01  # bits
WITHOUT_BLOCKS = 0.02  # bits
SHARE_FLOOR = 0.03
SHARE_WITHOUT_BLOCKS = 0.05
MARGIN = 1.5  # times the largest change between blocks
LARGEST = 0.3  # bits: a column that moves more by itself is not judged
DRAWS = 1000
DRAWN_ROWS = 5000  # of a block, at most
SEED = 20261128


@dataclass(frozen=True, kw_only=True)
class Tolerance:
    """What is tolerated of a column or a pair, and the cell of each of its rows.

    Cells are its bins and, last, the missing. `by_share` are those whose share is judged, too;
    `ends` is where the judged ones end: a pair's last cell is not judged.
    """

    cells: NDArray[np.uint8]
    width: int
    by_share: slice
    ends: int
    limit: float
    share_limit: float
    dispersion: float = 1.0


def by_share(bins: Bins) -> slice:
    """The cells of which each one's share is judged: all of a category, a number's missing."""
    return slice(None) if bins.kind == "category" else slice(-1, None)


def of_divergence(table: NDArray[np.int64]) -> float:
    """The tolerated divergence, in bits, by the counts of each block."""
    if not len(table):
        return WITHOUT_BLOCKS
    return max(FLOOR, MARGIN * _largest_divergence(table))


def of_share(table: NDArray[np.int64], by_share: slice) -> float:
    """The tolerated change of the share of one of the cells `by_share`."""
    if not len(table):
        return SHARE_WITHOUT_BLOCKS
    return max(SHARE_FLOOR, MARGIN * _largest_share_change(table, by_share))


def dispersion(
    table: NDArray[np.int64], days: NDArray[np.int64], block: NDArray[np.int64]
) -> float:
    """How many times as much the days of a block vary as random rows would, 1 or more.

    Pearson's statistic by its degrees of freedom, as of a quasi-Poisson model (McCullagh and
    Nelder, Generalized Linear Models, 1989, 4.5). `days` counts cells by day; `block` is each
    day's block, whose counts `table` has.
    """
    block_shares = shares(table)
    expected = block_shares[block] * days.sum(axis=1, keepdims=True)
    squares = np.divide(
        (days - expected) ** 2, expected, where=expected > 0, out=np.zeros_like(expected)
    )
    blocks_days = np.bincount(block, minlength=len(table))
    freedom = ((np.count_nonzero(table, axis=1) - 1) * (blocks_days - 1)).sum()
    return max(1.0, float(squares.sum() / freedom)) if freedom > 0 else 1.0


def scale(tolerances: Sequence[Tolerance], row_blocks: RowBlocks, alpha: float) -> float:
    """What all limits are multiplied by: a window without drift then passes one with `alpha`.

    Whole blocks are drawn, and of each as many of its rows, whose columns stay together: the
    largest excess of any column counts (max-T: Westfall and Young, 1993). Chance is in them
    twice, in a block's rows and in those drawn of them.
    """
    if not row_blocks.count or not tolerances:
        return 1.0
    draws = _Draws.of(row_blocks)
    each_alpha = alpha / len(tolerances)
    excesses = [_excess(tolerance, draws, each_alpha) for tolerance in tolerances]
    largest = np.max(excesses, axis=0)
    return max(1.0, float(np.quantile(largest, 1 - alpha)))


@dataclass(frozen=True, kw_only=True)
class _Draws:
    """The rows of all draws, one draw after another."""

    rows: NDArray[np.int64]
    draw: NDArray[np.int64]  # of each row
    block: NDArray[np.int64]  # of each draw
    numbers: NDArray[np.int64]  # each training row's block
    count: int

    @classmethod
    def of(cls, row_blocks: RowBlocks) -> "_Draws":
        random = np.random.default_rng(SEED)
        numbers = row_blocks.numbers
        inside = np.flatnonzero(numbers >= 0)
        by_block = inside[np.argsort(numbers[inside], kind="stable")]
        sizes = np.bincount(numbers[inside])
        starts = np.cumsum(sizes) - sizes
        block = random.integers(0, sizes.size, DRAWS)
        drawn = np.minimum(sizes[block], DRAWN_ROWS)
        draw = np.repeat(np.arange(DRAWS), drawn)
        block_of_row = block[draw]
        places = random.random(draw.size) * sizes[block_of_row]
        rows = by_block[starts[block_of_row] + places.astype(np.int64)]
        return cls(rows=rows, draw=draw, block=block, numbers=numbers, count=sizes.size)

    def counted(self, tolerance: Tolerance) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Counts by draw, and those of all other blocks."""
        width, ends = tolerance.width, tolerance.ends
        flat = self.draw * width + tolerance.cells[self.rows]
        drawn = np.bincount(flat, minlength=DRAWS * width).reshape(DRAWS, width)
        inside = self.numbers >= 0
        block_cells = self.numbers[inside] * width + tolerance.cells[inside]
        table = np.bincount(block_cells, minlength=self.count * width)
        by_block = table.reshape(self.count, width)
        others = by_block.sum(axis=0) - by_block
        return drawn[:, :ends], others[self.block][:, :ends]


def _excess(tolerance: Tolerance, draws: _Draws, alpha: float) -> NDArray[np.float64]:
    """By draw: how many times the limit is needed, beside the noise."""
    drawn, others = draws.counted(tolerance)
    size = drawn.sum(axis=1) / 2
    reference_size = others.sum(axis=1)
    cells = np.count_nonzero(others.sum(axis=0))
    chance = noise.largest_divergence(cells, size, reference_size, alpha=alpha)
    divergence = jensen_shannon(drawn, others) - tolerance.dispersion * chance
    judged = tolerance.by_share
    if not drawn[:, judged].size:
        return divergence / tolerance.limit
    expected = shares(others)[:, judged]
    share_alpha = alpha / expected.shape[1]
    sizes = (size[:, None], reference_size[:, None])
    share_chance = noise.largest_share_change(expected, *sizes, alpha=share_alpha)
    change = np.abs(shares(drawn)[:, judged] - expected)
    share_excess = change - np.sqrt(tolerance.dispersion) * share_chance
    by_share = share_excess.max(axis=1) / tolerance.share_limit
    return np.maximum(divergence / tolerance.limit, by_share)


def _largest_divergence(table: NDArray[np.int64]) -> float:
    """Of a block from all others, less what chance makes."""
    others = table.sum(axis=0) - table
    cells = np.count_nonzero(table.sum(axis=0))
    chance = noise.mean_divergence(cells, table.sum(axis=1), others.sum(axis=1))
    return float((jensen_shannon(table, others) - chance).max(initial=0.0))


def _largest_share_change(table: NDArray[np.int64], by_share: slice) -> float:
    """Of a cell between a block and all others, less what chance makes."""
    others = table.sum(axis=0) - table
    expected = shares(others)[:, by_share]
    change = shares(table)[:, by_share] - expected
    sizes = table.sum(axis=1, keepdims=True)
    reference_sizes = others.sum(axis=1, keepdims=True)
    variance = expected * (1 - expected) * noise.inverse_sizes(sizes, reference_sizes)
    return float(np.sqrt((change**2 - variance).max(initial=0.0)))
