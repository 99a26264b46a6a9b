"""Bins of training's columns: how they are cut, and that each value has exactly one."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pipeline.baseline import bins, counting

ATOMS = st.sampled_from([0.0, 3.25, 3.45, 12.0, -1.0])
NUMBERS = arrays(
    np.float64,
    st.integers(0, 400),
    elements=st.one_of(ATOMS, st.floats(-1e9, 1e9, width=32), st.just(np.nan)),
)


def counted(values, most=bins.NUMBER_BINS):
    column_bins = bins.of_numbers(np.asarray(values, dtype=float), most)
    indices = bins.number_places(column_bins, np.asarray(values, dtype=float))
    present, missing = bins.counts(column_bins, indices)
    return column_bins, present, missing


@given(NUMBERS)
def test_each_number_is_in_one_bin(values):
    column_bins, present, missing = counted(values)

    assert sum(present) == np.count_nonzero(~np.isnan(values))
    assert missing == np.count_nonzero(np.isnan(values))
    assert len(present) == column_bins.count


@given(NUMBERS)
def test_edges_rise_and_lie_on_no_value(values):
    edges = np.array(bins.of_numbers(values).edges)

    assert (np.diff(edges) > 0).all()
    assert not np.isin(edges, values).any()


@given(NUMBERS)
def test_a_number_is_in_the_bin_of_its_float32(values):
    column_bins = bins.of_numbers(values.astype(np.float32).astype(np.float64))

    places = bins.number_places(column_bins, values)

    narrow = values.astype(np.float32).astype(np.float64)
    assert (places == bins.number_places(column_bins, narrow)).all()


@given(NUMBERS)
def test_there_are_hardly_more_bins_than_were_asked_for(values):
    assert bins.of_numbers(values).count <= 1.5 * bins.NUMBER_BINS + 2


def test_a_decimal_of_a_log_is_in_the_bin_of_the_trained_float32():
    decimals = np.round(np.arange(0.05, 50, 0.05), 2)
    column_bins = bins.of_numbers(decimals.astype(np.float32).astype(np.float64))

    logged = bins.number_places(column_bins, decimals)

    trained = bins.number_places(column_bins, decimals.astype(np.float32).astype(np.float64))
    assert (logged == trained).all()


@pytest.mark.parametrize("atom", [0.0, 3.25, 1e6])
def test_a_value_as_frequent_as_a_bin_has_a_bin_of_its_own(atom):
    random = np.random.default_rng(0)
    values = np.concatenate([random.lognormal(2, 1, 1000), np.full(100, atom)])

    column_bins, present, _ = counted(values)

    [place] = bins.number_places(column_bins, np.array([atom]))
    assert present[place] == 100


def test_numbers_without_ties_are_cut_into_equal_counts():
    random = np.random.default_rng(0)

    _, present, _ = counted(random.normal(size=2000))

    assert len(present) == bins.NUMBER_BINS
    assert max(present) - min(present) <= 2


def test_each_of_few_whole_numbers_has_its_bin_and_two_more_take_what_lies_outside():
    values = np.repeat(np.arange(1, 9), 10)

    column_bins, present, _ = counted(values)

    assert present == (0, *[10] * 8, 0)
    assert column_bins.edges == (0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5, 8.5)


def test_a_value_of_nine_rows_has_no_bin_of_its_own():
    values = np.concatenate([np.repeat([1, 2, 3], 40), np.full(9, 7)])

    column_bins, _, _ = counted(values)

    three, seven = bins.number_places(column_bins, np.array([3.0, 7.0]))
    assert three == seven


def test_whole_numbers_of_many_values_are_cut_between_them():
    random = np.random.default_rng(0)

    column_bins, _, _ = counted(random.integers(0, 3000, 5000))

    assert {edge % 1 for edge in column_bins.edges} <= {0.0, 0.5}
    assert column_bins.count == bins.NUMBER_BINS


@pytest.mark.parametrize("values", [[], [np.nan, np.nan], [5.0], [5.0] * 9])
def test_few_values_have_a_single_bin(values):
    column_bins, present, _ = counted(values)

    assert column_bins.edges == ()
    assert len(present) == 1


def test_neighbouring_doubles_are_told_apart():
    upper = np.nextafter(1.0, 2)
    values = np.repeat([1.0, upper], 10)

    _, present, _ = counted(values)

    assert 10 in present


def test_halves_of_the_largest_doubles_do_not_overflow():
    column_bins, _, _ = counted(np.repeat([1.6e308, 1.7e308], 10))

    assert np.isfinite(column_bins.edges[1])


def test_true_is_no_number():
    column_bins = bins.of_numbers(np.repeat([0.0, 1.0], 10))

    counts = counting.column_counts(column_bins, pa.array([True, False, None]))

    assert sum(counts.bins) == 0
    assert counts.mistyped == 2
    assert counts.missing == 1


def test_a_category_names_its_most_frequent_values_that_ten_rows_have():
    values = ["a"] * 30 + ["b"] * 40 + ["c"] * 10 + ["d"] * 9

    column_bins = bins.of_categories(pa.array(values), most=3)

    assert column_bins.values == ("b", "a", "c")


def test_values_without_a_bin_are_counted_together():
    column_bins = bins.of_categories(pa.array(["a"] * 30))

    places = bins.places(column_bins, pa.array(["a", "z", None]))

    assert places.tolist() == [0, 1, bins.MISSING]
