"""A common factor of all limits: with it they keep the rate of false alarms together.

The largest excess of any column counts, in windows whose rows stay whole (max-T: Westfall and
Young, Resampling-Based Multiple Testing, 1993).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.baseline import blocks, noise
from pipeline.baseline.blocks import RowBlocks
from pipeline.baseline.distance import jensen_shannon, shares

DRAWS = 1000
DRAWN_ROWS = 5000  # of a block, at most
SEED = 20261128


@dataclass(frozen=True, kw_only=True)
class Tolerance:
    """The limits of a column or a pair, and the cell of each training row.

    Of the `width` cells `judged` are compared, and of these `by_share` by their shares too.
    """

    cells: NDArray[np.uint8]
    width: int
    judged: slice
    by_share: slice
    limit: float
    share_limit: float
    dispersion: float = 1.0


def scale(tolerances: Sequence[Tolerance], row_blocks: RowBlocks, alpha: float) -> float:
    """The factor, 1 or more, for windows without drift to pass a limit with the chance `alpha`.

    A window is a whole block, drawn at random, and as many rows drawn from it. Chance is in it
    twice: in the block's rows, and in the draw from them.
    """
    if not row_blocks.count or not tolerances:
        return 1.0
    draws = _draws(row_blocks)
    column_alpha = alpha / len(tolerances)
    excesses = [_excess(tolerance, draws, column_alpha) for tolerance in tolerances]
    largest = np.max(excesses, axis=0)
    return max(1.0, float(np.quantile(largest, 1 - alpha)))


@dataclass(frozen=True, kw_only=True)
class _Draws:
    """The training rows of all draws, one draw after another."""

    rows: NDArray[np.int64]
    draw: NDArray[np.int64]  # of each of them
    block: NDArray[np.int64]  # of each draw
    numbers: NDArray[np.int64]  # the block of each training row

    def counts(self, tolerance: Tolerance) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The judged cells of each draw, and those of all blocks but its own."""
        width = tolerance.width
        flat = self.draw * width + tolerance.cells[self.rows]
        drawn = np.bincount(flat, minlength=DRAWS * width).reshape(DRAWS, width)
        by_block = blocks.table(self.numbers, tolerance.cells, width)
        other_blocks = by_block.sum(axis=0) - by_block
        judged = tolerance.judged
        return drawn[:, judged], other_blocks[self.block][:, judged]


def _draws(row_blocks: RowBlocks) -> _Draws:
    random = np.random.default_rng(SEED)
    numbers = row_blocks.numbers
    inside = np.flatnonzero(numbers >= 0)
    order = np.argsort(numbers[inside], kind="stable")
    by_block = inside[order]
    sizes = np.bincount(numbers[inside])
    starts = np.cumsum(sizes) - sizes
    block = random.integers(0, sizes.size, DRAWS)
    drawn_sizes = np.minimum(sizes[block], DRAWN_ROWS)
    draw = np.repeat(np.arange(DRAWS), drawn_sizes)
    block_of_row = block[draw]
    offsets = random.random(draw.size) * sizes[block_of_row]
    places = starts[block_of_row] + offsets.astype(np.int64)
    return _Draws(rows=by_block[places], draw=draw, block=block, numbers=numbers)


def _excess(tolerance: Tolerance, draws: _Draws, alpha: float) -> NDArray[np.float64]:
    """Of each draw: how many times the limit it takes, beside the noise."""
    drawn, other_blocks = draws.counts(tolerance)
    size = drawn.sum(axis=1) / 2
    reference_size = other_blocks.sum(axis=1)
    occupied = np.count_nonzero(other_blocks.sum(axis=0))
    chance = noise.largest_divergence(occupied, size, reference_size, alpha=alpha)
    divergence = jensen_shannon(drawn, other_blocks) - tolerance.dispersion * chance
    by_bits = divergence / tolerance.limit
    shares_expected = shares(other_blocks)[:, tolerance.by_share]
    if not shares_expected.size:
        return by_bits
    shares_drawn = shares(drawn)[:, tolerance.by_share]
    sizes = (size[:, np.newaxis], reference_size[:, np.newaxis])
    share_alpha = alpha / shares_expected.shape[1]
    share_chance = noise.largest_share_change(shares_expected, *sizes, alpha=share_alpha)
    change = np.abs(shares_drawn - shares_expected)
    share_excess = change - np.sqrt(tolerance.dispersion) * share_chance
    by_share = share_excess.max(axis=1) / tolerance.share_limit
    return np.maximum(by_bits, by_share)
