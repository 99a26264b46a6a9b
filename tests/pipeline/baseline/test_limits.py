"""Chance, blocks of time, and the scale that holds all limits together."""

from dataclasses import replace

import numpy as np
import pytest

from pipeline.baseline import blocks, limits, max_t, mixture, noise, quantiles
from pipeline.baseline.distance import jensen_shannon

ALPHA = 0.01


def day(text):
    return np.datetime64(text, "s")


@pytest.mark.parametrize("size", [1000, 3000])
def test_chance_exceeds_its_limit_as_often_as_alpha_says(size):
    random = np.random.default_rng(0)
    shares = random.dirichlet(np.full(20, 5))
    windows = random.multinomial(size, shares, 20_000)
    references = random.multinomial(10_000, shares, 20_000)

    divergence = jensen_shannon(windows, references)

    limit = noise.largest_divergence(20, size, 10_000, alpha=ALPHA)
    assert np.mean(divergence > limit) == pytest.approx(ALPHA, rel=0.3)
    mean = noise.mean_divergence(20, size, 10_000)
    assert divergence.mean() == pytest.approx(float(mean), rel=0.05)


def test_chance_moves_a_share_beyond_its_limit_as_often_as_alpha_says():
    random = np.random.default_rng(0)
    window = random.binomial(2000, 0.3, 20_000) / 2000
    reference = random.binomial(10_000, 0.3, 20_000) / 10_000

    limit = noise.largest_share_change(0.3, 2000, 10_000, alpha=ALPHA)

    assert np.mean(np.abs(window - reference) > limit) == pytest.approx(ALPHA, rel=0.3)


def test_the_same_counts_have_no_distance_at_all():
    random = np.random.default_rng(0)
    counts = random.integers(0, 50, (200, 21))

    assert (jensen_shannon(counts, 3 * counts) <= 1e-15).all()
    assert (jensen_shannon(counts, counts) == 0).all()


def test_blocks_are_as_long_as_a_window_where_it_has_rows_enough():
    moments = day("2025-01-01") + np.repeat(np.arange(70), 100) * np.timedelta64(1, "D")

    row_blocks = blocks.of_times(moments, moments.size, 7)

    assert row_blocks.blocks.days == 7
    assert row_blocks.count == 10


def test_blocks_are_of_several_windows_where_one_has_too_few_rows():
    moments = day("2025-01-01") + np.repeat(np.arange(700), 10) * np.timedelta64(1, "D")

    row_blocks = blocks.of_times(moments, moments.size, 7)

    assert row_blocks.blocks.days == 56
    assert np.bincount(row_blocks.numbers[row_blocks.numbers >= 0]).min() == 560


def test_rows_before_the_first_whole_block_are_in_none():
    moments = day("2025-01-01") + np.arange(10) * np.timedelta64(1, "D")

    numbers = blocks.of_days(moments, 7)

    assert numbers.tolist() == [blocks.OUTSIDE] * 3 + [0] * 7


def test_one_row_of_a_wrong_year_changes_no_block():
    moments = day("2025-01-01") + np.repeat(np.arange(70), 100) * np.timedelta64(1, "D")
    moments[5] = day("9999-12-31")

    row_blocks = blocks.of_times(moments, moments.size, 7)

    assert row_blocks.count >= 9
    assert row_blocks.numbers[5] == blocks.OUTSIDE


def test_days_that_vary_as_random_rows_have_the_dispersion_one():
    random = np.random.default_rng(0)
    by_day = random.multinomial(100, np.full(10, 0.1), 70)
    block_of_day = np.arange(70) // 7
    table = np.add.reduceat(by_day, np.arange(0, 70, 7))

    dispersion = limits.dispersion(table, by_day, block_of_day)

    assert dispersion == pytest.approx(1, abs=0.1)


def test_days_that_differ_have_a_larger_dispersion():
    random = np.random.default_rng(0)
    by_day = np.array(
        [random.multinomial(100, random.dirichlet(np.full(10, 5))) for _ in range(70)]
    )
    table = np.add.reduceat(by_day, np.arange(0, 70, 7))

    dispersion = limits.dispersion(table, by_day, np.arange(70) // 7)

    assert dispersion > 2


def tolerances(cells, limit):
    return [
        max_t.Tolerance(
            cells=cells,
            width=2,
            judged=slice(None),
            by_share=slice(0),
            limit=limit,
            share_limit=1.0,
        )
    ]


def test_the_scale_lifts_limits_that_training_windows_pass():
    random = np.random.default_rng(0)
    numbers = np.repeat(np.arange(10), 1000)
    chances = np.repeat(random.uniform(0.3, 0.7, 10), 1000)
    cells = (random.random(numbers.size) < chances).astype(np.uint8)
    row_blocks = blocks.RowBlocks(blocks=blocks.Blocks(days=7, count=10), numbers=numbers)

    scale = max_t.scale(tolerances(cells, 0.01), row_blocks, ALPHA)

    assert scale > 3
    wider = max_t.scale(tolerances(cells, 0.01 * scale), row_blocks, ALPHA)
    assert wider == pytest.approx(1, abs=0.01)


def test_the_scale_is_one_where_no_window_passes_a_limit():
    cells = np.random.default_rng(0).integers(0, 2, 10_000).astype(np.uint8)
    row_blocks = blocks.RowBlocks(
        blocks=blocks.Blocks(days=7, count=10), numbers=np.repeat(np.arange(10), 1000)
    )

    assert max_t.scale(tolerances(cells, 0.01), row_blocks, ALPHA) == 1.0


def test_the_scale_takes_chance_out_of_a_block_and_of_what_is_drawn_from_it():
    cells = np.random.default_rng(0).integers(0, 20, 50_000).astype(np.uint8)
    row_blocks = blocks.RowBlocks(
        blocks=blocks.Blocks(days=7, count=50), numbers=np.repeat(np.arange(50), 1000)
    )
    tolerance = replace(tolerances(cells, 0.001)[0], width=20)

    assert max_t.scale([tolerance], row_blocks, ALPHA) < 1.5


def test_a_mixture_of_two_windows_has_no_distance_from_them():
    windows = np.array([[50, 50, 0, 0], [0, 0, 30, 70]])

    distance = mixture.distance([50, 50, 60, 140], windows)

    assert distance == pytest.approx(0, abs=1e-3)


def test_what_no_window_has_is_far_from_each_mixture():
    windows = np.array([[50, 50, 0], [40, 60, 0]])

    assert mixture.distance([0, 0, 100], windows) == 1.0


def test_quantiles_name_no_number_that_few_rows_have():
    distinct, counts = np.unique([1.0] * 50 + [2.0] + [3.0] * 50, return_counts=True)

    result = quantiles.of_numbers(distinct, counts)

    assert set(result) == {1.0, 2.5, 3.0}
    assert len(result) == 101
