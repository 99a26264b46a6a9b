"""Columns of which training told next to nothing, and what a window may say of them."""

from dataclasses import replace

import pytest

from pipeline.baseline.content import Bins
from pipeline.baseline.profile import ColumnCounts
from pipeline.monitoring.judging import faults
from tests.pipeline.monitoring.small import HOUR, baseline, column, profile, profile_of
from tests.pipeline.monitoring.windows import verdict

NUMBER = column(Bins(kind="number"), largest_share=0.0)
CATEGORY = column(Bins(kind="category"), largest_share=0.0)
NOTHING = ColumnCounts(bins=(0,), missing=10000)
NUMBERS = ColumnCounts(bins=(10000,), distinct=9000)


def of_one_column(content, counts):
    """A baseline of a single column."""
    return baseline(columns={"seats": content}, reference=profile_of({"seats": counts}))


def names(one_column, counts):
    window = profile_of({"seats": counts})
    findings = faults.findings(one_column, window, [])
    return [finding.name for finding in findings]


def test_numbers_that_training_never_had_are_neither_filled_in_nor_constant():
    without_numbers = of_one_column(NUMBER, NOTHING)

    named = names(without_numbers, NUMBERS)

    assert named == []


def test_numbers_that_training_never_had_are_a_drift():
    without_numbers = of_one_column(NUMBER, NOTHING)

    judged = verdict(without_numbers, profile_of({"seats": NUMBERS}))

    assert judged.kind == "drift"


def test_a_value_of_a_category_that_training_never_had_is_new():
    without_values = of_one_column(CATEGORY, NOTHING)
    values = ColumnCounts(bins=(10000,), distinct=1, other_values={"van": 10000})

    named = names(without_values, values)

    assert named == ["new value"]


@pytest.mark.parametrize(("distinct", "expected"), [(5000, []), (1, ["constant"])])
def test_numbers_in_a_single_bin_are_constant_where_they_are_one(distinct, expected):
    in_one_bin = of_one_column(replace(NUMBER, largest_share=0.01), NUMBERS)

    named = names(in_one_bin, ColumnCounts(bins=(10000,), distinct=distinct))

    assert named == expected


def test_a_small_fault_of_a_column_that_the_model_needs_comes_first():
    columns = baseline().columns
    wide = replace(columns["payment"], limit=0.5)
    needed = baseline(columns={**columns, "payment": wide})
    window = profile(
        payment=ColumnCounts(bins=(6000, 3000, 100), missing=900),
        hour=ColumnCounts(bins=(4500, 2700, 1800), mistyped=1000),
    )

    first, second = faults.findings(needed, window, [])

    assert first.columns == ("payment",)
    assert second.columns == ("hour",)


def test_an_ok_names_no_factor_where_none_would_have_shown():
    judged = verdict(baseline(), profile(hour=HOUR))

    assert judged.kind == "ok"
    assert judged.smallest.scale is None
    assert "a number times" not in judged.sentence
