"""Figures are written as people read them."""

from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.monitoring.pages import figures

FRACTIONS = st.floats(0, 1)
EDGES = st.lists(st.floats(-1e12, 1e12), min_size=1, max_size=19, unique=True).map(sorted)


def spaced(text):
    return text.replace(figures.SPACE, " ")


@pytest.mark.parametrize(
    ("fraction", "text"),
    [
        (0, "0 %"),
        (0.00004, "<0.1 %"),
        (0.034, "3.4 %"),
        (0.04, "4 %"),
        (0.6612, "66 %"),
        (0.998, "99.8 %"),
        (0.99999, ">99.9 %"),
        (1, "100 %"),
    ],
)
def test_a_share_is_told_in_percent(fraction, text):
    words = figures.share(fraction)

    assert spaced(words) == text


@given(FRACTIONS)
def test_only_all_is_100_percent(fraction):
    text = figures.share(fraction)

    assert text.startswith("100") == (fraction == 1)


@given(FRACTIONS)
def test_only_none_is_0_percent(fraction):
    text = figures.share(fraction)

    assert spaced(text).startswith("0 ") == (fraction == 0)


@pytest.mark.parametrize(
    ("change", "text"),
    [(0.25, "+25 points"), (-0.076, "−7.6 points"), (0.01, "+1 point"), (-0.0001, "0 points")],
)
def test_a_change_of_a_share_is_told_in_points(change, text):
    words = figures.points(change)

    assert spaced(words) == text


def test_an_edge_that_a_rounding_moved_is_told_without_it():
    words = figures.edge_names([12.1, 12.499999, 12.75])

    assert words == ["12.1", "12.5", "12.75"]


def test_an_edge_has_thousands_separators():
    words = figures.edge_names([1400269500.0, 1500269500.5])

    assert words == ["1,400,269,500", "1,500,269,500"]


def test_an_edge_below_zero_has_a_minus_sign():
    words = figures.edge_names([-3.5, -0.0001, 5.0])

    assert words == ["−3.5", "0", "5"]


@given(EDGES)
def test_edges_are_told_apart_and_in_their_order(edges):
    names = figures.edge_names(edges)

    numbers = [number_of(name) for name in names]
    assert all(low < high for low, high in pairwise(numbers))


def test_bins_of_whole_numbers_are_told_by_the_numbers_in_them():
    names = figures.bin_names([0.5, 1.5, 4.5], are_whole=True)

    assert names == ["up to 0", "1", "2 to 4", "5 and more"]


def test_bins_of_numbers_are_told_by_their_edges():
    names = figures.bin_names([4.999999, 10.0])

    assert names == ["below 5", "5 to 10", "10 and more"]


def test_one_bin_is_told_as_present():
    words = figures.bin_names([])

    assert words == ["present"]


@given(st.text(st.characters(), max_size=100))
def test_any_name_can_be_written_and_seen(name):
    text = figures.cut(name)

    assert text.encode()
    assert text.isprintable()
    assert 1 <= len(text) <= figures.NAME_CHARACTERS


def test_a_window_is_told_by_its_first_and_last_day():
    begin, end = midnight(10, 30), midnight(11, 6)

    words = figures.window(begin, end)

    assert words == "30 Oct to 5 Nov 2026 (7 days)"


def test_a_window_within_a_month_names_it_once():
    begin, end = midnight(11, 20), midnight(11, 27)

    words = figures.window(begin, end)

    assert words == "20 to 26 Nov 2026 (7 days)"


def test_a_window_of_a_day_is_that_day():
    begin, end = midnight(11, 26), midnight(11, 27)

    words = figures.window(begin, end)

    assert words == "26 Nov 2026"


def number_of(name):
    plain = name.replace(",", "").replace(figures.MINUS, "-")
    return float(plain)


def midnight(month, day):
    return datetime(2026, month, day, tzinfo=UTC)
