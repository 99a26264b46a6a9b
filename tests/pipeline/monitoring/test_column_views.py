"""A page shows of each column how far it is, what changed in it, and its ninety days."""

from datetime import timedelta

from pipeline.baseline.profile import ColumnCounts
from tests.pipeline.monitoring import small
from tests.pipeline.monitoring.cab_page import page, page_of, page_with, version

# Cash falls from 66 % to 41 %, Card rises from 33 % to 58 %.
MOVED = ColumnCounts(bins=(4100, 5800, 100))
RAISED = ColumnCounts(bins=(2000, 3000, 5000))
EARLY = ColumnCounts(bins=(9000, 1000, 0))


def test_columns_come_by_excess_times_importance():
    document = page_with(fare=RAISED, payment=MOVED, hour=EARLY)

    assert document.columns == ["payment", "fare", "hour"]


def test_columns_of_findings_come_first_and_in_their_order():
    findings = (small.finding(columns=("hour",)), small.finding(columns=("fare",)))
    window = small.profile(fare=RAISED, payment=MOVED)
    verdict = small.verdict("fault", findings=findings)

    document = page(version(verdict, window=window))

    assert document.columns == ["hour", "fare", "payment"]


def test_a_category_shows_training_and_served_shares_of_each_value():
    document = page_with(payment=MOVED)

    assert "Cash 66 % → 41 %" in document.text


def test_a_category_shows_all_others_and_the_missing_ones():
    document = page_with(payment=MOVED)

    assert "all others 1 % → 1 % missing 0 % → 0 %" in document.text


def test_the_distance_and_its_limit_are_said_in_words():
    document = page_with(payment=MOVED)

    assert "distance 0.046 bits, limit 0.01" in document.text


def test_the_value_that_moved_most_is_said_in_points():
    document = page_with(payment=MOVED)

    assert "Card: 33 % → 58 % (+25 points, limit " in document.text


def test_importance_is_said():
    document = page_of("ok")

    assert "importance 0.30" in document.text


def test_frequent_values_without_a_bin_are_named_with_their_share():
    others = {"cash": 4000, "card": 50}
    payment = ColumnCounts(bins=(3000, 2000, 5000), other_values=others)

    document = page_with("fault", payment=payment)

    assert "among all others: cash 40 % importance" in document.text


def test_a_number_shows_each_of_its_bins():
    fare = ColumnCounts(bins=(4000, 3000, 1000), missing=1500, mistyped=500)

    document = page_with("fault", fare=fare)

    assert "below 5: 50 % → 40 %" in document.text


def test_a_number_shows_the_missing_ones_and_the_text_among_them():
    fare = ColumnCounts(bins=(4000, 3000, 1000), missing=1500, mistyped=500)

    document = page_with("fault", fare=fare)

    assert "missing: 0 % → 15 %" in document.text
    assert "text: 0 % → 5 %" in document.text


def test_text_among_numbers_has_no_place_where_there_is_none():
    document = page_of("ok")

    assert "text: " not in document.text


def test_whole_numbers_are_told_without_halves():
    document = page_of("ok")

    assert "12 to 17: 30 % → 30 %" in document.text


def test_ninety_days_have_a_gap_for_days_without_data():
    days = small.every_day(small.profile())
    for back in (30, 31, 60):
        del days[small.LAST - timedelta(days=back)]
    verdict = small.verdict("ok")

    document = page(version(verdict, days=days))

    runs_of_three_columns = document.of("polyline")
    assert len(runs_of_three_columns) == 9


def test_days_over_the_limit_are_marked():
    document = page_since_thirteen_days()

    assert len(document.of("circle", "over")) == 13


def test_the_first_day_over_the_limit_is_said():
    document = page_since_thirteen_days()

    assert "times its limit since 14 Nov 2026" in document.text


def test_a_column_that_is_always_over_its_limit_is_not_dated():
    window = small.profile(payment=MOVED)
    verdict = small.verdict("drift")

    document = page(version(verdict, window=window, days=small.every_day(window)))

    assert "times its limit for ninety days" in document.text


def test_a_limit_is_drawn_for_each_column():
    document = page_of("ok")

    assert len(document.of("path", "limit")) == 3


def test_too_few_requests_are_drawn_and_not_called_within_their_limits():
    document = page_of("not enough data")

    assert "too little to be judged" in document.text
    assert "✓ at" not in document.text


def test_a_column_that_moved_without_a_finding_has_no_alarms_symbol():
    document = page_with("season", payment=MOVED)

    assert "≈ 4.4 times its limit" in document.text


def page_since_thirteen_days():
    """Payments of the last fourteen days moved; on the first of these a week hardly shows it."""
    days = small.every_day(small.profile())
    window = small.profile(payment=MOVED)
    for back in range(14):
        days[small.LAST - timedelta(days=back)] = window
    verdict = small.verdict("drift")
    return page(version(verdict, window=window, days=days))
