"""Rows at hand are counted as the monitor's SQL counts a log."""

import math

import numpy as np
import pyarrow as pa
import pytest

from pipeline.baseline import counting
from pipeline.baseline.content import Bins

EDGES = Bins(kind="number", edges=(1.5, 2.5))
CITIES = Bins(kind="category", values=("Ghent", "Lille"))


def test_a_number_belongs_to_the_first_edge_above_it():
    counts = counting.column_counts(EDGES, pa.array([1.0, 1.5, 2.0, 2.5, 9.0]))

    assert counts.bins == (1, 2, 2)


def test_a_null_and_a_nan_are_missing():
    counts = counting.column_counts(EDGES, pa.array([1.0, None, math.nan]))

    assert counts.missing == 2


def test_text_where_a_number_belongs_is_mistyped():
    counts = counting.column_counts(EDGES, pa.array(["1", "many", None]))

    assert counts.mistyped == 2
    assert counts.missing == 1


def test_whole_and_positive_numbers_are_counted():
    counts = counting.column_counts(EDGES, pa.array([-1.0, 0.0, 1.0, 1.5, math.e]))

    assert counts.whole == 3
    assert counts.positive == 3
    assert counts.log_sum == pytest.approx(math.log(1.5) + 1)
    assert counts.log_square_sum == pytest.approx(math.log(1.5) ** 2 + 1)
    assert counts.distinct == 5


def test_other_values_that_ten_rows_have_are_named():
    values = ["Ghent"] * 20 + ["Porto"] * 10 + ["Paris"] * 9

    counts = counting.column_counts(CITIES, pa.array(values))

    assert counts.bins == (20, 0, 19)
    assert counts.other_values == {"Porto": 10}


def test_no_value_of_a_personal_column_is_named():
    counts = counting.column_counts(Bins(kind="category"), pa.array(["Porto"] * 10), personal=True)

    assert counts.other_values == {}
    assert counts.distinct == 1


def test_numbers_of_a_category_are_read_as_text():
    bins = Bins(kind="category", values=("7",))

    counts = counting.column_counts(bins, pa.array([7, 8]))

    assert counts.bins == (1, 1)


def test_a_column_that_is_not_sent_is_missing_in_each_row(composed, rows):
    baseline = composed()
    fewer = rows.drop_columns(["city"])

    profile = counting.profile(baseline, fewer, np.zeros(rows.num_rows))

    assert profile.columns["city"].missing == rows.num_rows


def test_instances_of_one_request_weigh_as_one_witness(composed, rows):
    baseline = composed()

    profile = counting.profile(baseline, rows.slice(0, 2500), np.zeros(2500), 1000)

    assert profile.requests == 3
    assert profile.effective == pytest.approx(2500**2 / (2 * 1000**2 + 500**2))


def test_scores_are_counted_and_absent_ones_told(composed, rows):
    baseline = composed()

    profile = counting.profile(baseline, rows.slice(0, 4), [0.0, 0.019, 1.0, math.nan])

    assert profile.scores[0] == 2
    assert profile.scores[-1] == 1
    assert profile.unanswered == 1


def test_two_days_add_up_to_the_profile_of_both(composed, rows):
    baseline = composed()
    scores = np.linspace(0, 1, rows.num_rows)
    days = [rows.slice(0, 3000), rows.slice(3000)]

    first = counting.profile(baseline, days[0], scores[:3000])
    second = counting.profile(baseline, days[1], scores[3000:])

    whole = counting.profile(baseline, rows, scores)
    added = first + second
    assert added.columns["price"].bins == whole.columns["price"].bins
    assert added.pairs == whole.pairs
    assert added.scores == whole.scores
    assert added.columns["hour"].whole == whole.columns["hour"].whole
