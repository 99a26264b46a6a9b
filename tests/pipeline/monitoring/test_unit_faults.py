"""A column in another unit is told with the factor, and once."""

import pyarrow as pa
import pytest

from tests.pipeline.monitoring.faulty import findings, multiplied, names, replaced, rounded

MILE = 1.609344


@pytest.mark.parametrize("digits", [None, 2, 1])
def test_miles_in_kilometres_are_named(taxi, taxi_baseline, digits):
    change = multiplied("trip_miles", MILE, digits)

    named = names(taxi, taxi_baseline, change)

    assert named == {"unit trip_miles"}


@pytest.mark.parametrize("digits", [None, 0])
def test_miles_of_flights_in_kilometres_are_named(flights, flights_baseline, digits):
    change = multiplied("distance", MILE, digits)

    named = names(flights, flights_baseline, change)

    assert named == {"unit distance"}


def test_kilometres_are_told_by_their_factor(taxi, taxi_baseline):
    change = multiplied("trip_miles", MILE)

    [finding] = findings(taxi, taxi_baseline, change)

    assert "1.609 (miles to kilometres)" in finding.sentence


def test_kilometres_have_a_remedy(taxi, taxi_baseline):
    change = multiplied("trip_miles", MILE)

    [finding] = findings(taxi, taxi_baseline, change)

    assert "divided by 1.609" in finding.remedy


@pytest.mark.parametrize("digits", [None, 0])
def test_seconds_in_minutes_are_named(taxi, taxi_baseline, digits):
    change = multiplied("trip_seconds", 1 / 60, digits)

    named = names(taxi, taxi_baseline, change)

    assert named == {"unit trip_seconds"}


def test_minutes_are_told_by_their_factor(taxi, taxi_baseline):
    change = multiplied("trip_seconds", 1 / 60)

    [finding] = findings(taxi, taxi_baseline, change)

    assert "seconds to minutes" in finding.sentence


def test_cents_for_dollars_are_named(taxi, taxi_baseline):
    change = multiplied("fare", 100)

    named = names(taxi, taxi_baseline, change)

    assert named == {"unit fare"}


def test_cents_are_told_by_their_factor(taxi, taxi_baseline):
    change = multiplied("fare", 100)

    [finding] = findings(taxi, taxi_baseline, change)

    assert "100 (dollars to cents" in finding.sentence


def test_metres_beyond_all_bins_are_named(flights, flights_baseline):
    change = multiplied("distance", 1000 * MILE)

    named = names(flights, flights_baseline, change)

    assert named == {"unit distance"}


def test_a_factor_without_a_name_is_told_as_a_number(taxi, taxi_baseline):
    change = multiplied("trip_seconds", 2)

    [finding] = findings(taxi, taxi_baseline, change)

    assert "multiplied by 2" in finding.sentence


def test_milliseconds_of_a_time_column_are_named(taxi, taxi_baseline):
    change = multiplied("trip_start_timestamp", 1000)

    named = names(taxi, taxi_baseline, change)

    assert named == {"unit trip_start_timestamp"}


def in_half_of_the_rows(change):
    def changed(rows):
        half = rows.num_rows // 2
        return pa.concat_tables(
            [change(rows.slice(0, half)), rows.slice(half)], promote_options="permissive"
        )

    return changed


@pytest.mark.parametrize(("column", "factor"), [("fare", 100), ("trip_seconds", 1 / 60)])
def test_another_unit_since_half_of_the_window_is_named(taxi, taxi_baseline, column, factor):
    change = in_half_of_the_rows(multiplied(column, factor))

    named = names(taxi, taxi_baseline, change)

    assert named == {f"unit {column}"}


def test_a_unit_of_some_callers_is_told_with_their_share(flights, flights_baseline):
    change = in_half_of_the_rows(multiplied("distance", MILE))

    [finding] = findings(flights, flights_baseline, change)

    assert "about 50" in finding.sentence
    assert "1.609 (miles to kilometres)" in finding.sentence


@pytest.mark.parametrize("factor", [0.93, 1.07])
def test_prices_that_moved_by_less_than_a_tenth_are_no_unit(taxi, taxi_baseline, factor):
    assert "unit fare" not in names(taxi, taxi_baseline, multiplied("fare", factor))


def test_a_dear_week_is_no_unit(taxi, taxi_baseline):
    change = multiplied("fare", 1.02)

    named = names(taxi, taxi_baseline, change)

    assert named == {""}


@pytest.mark.parametrize("column", ["pickup_longitude", "trip_seconds"])
def test_another_sign_is_named(taxi, taxi_baseline, column):
    change = multiplied(column, -1)

    named = names(taxi, taxi_baseline, change)

    assert named == {f"unit {column}"}


@pytest.mark.parametrize("column", ["fare", "trip_miles"])
def test_rounding_to_whole_numbers_is_named(taxi, taxi_baseline, column):
    change = rounded(column, 0)

    named = names(taxi, taxi_baseline, change)

    assert named == {f"rounded {column}"}


def test_rounding_of_half_of_the_rows_is_named(taxi, taxi_baseline):
    change = in_half_of_the_rows(rounded("fare", 0))

    named = names(taxi, taxi_baseline, change)

    assert named == {"rounded fare"}


def test_fewer_decimals_are_named(taxi, taxi_baseline):
    change = rounded("pickup_latitude", 2)

    named = names(taxi, taxi_baseline, change)

    assert named == {"rounded pickup_latitude"}


@pytest.mark.parametrize("column", ["distance", "sched_dep_time"])
def test_rounding_to_hundreds_is_named(flights, flights_baseline, column):
    change = rounded(column, -2)

    named = names(flights, flights_baseline, change)

    assert named == {f"rounded {column}"}


def test_the_column_that_the_model_needs_most_comes_first(taxi, taxi_baseline):
    def change(rows):
        cents = multiplied("fare", 100)(rows)
        return replaced("payment_type", "Bitcoin", 0.9)(cents)

    named = names(taxi, taxi_baseline, change)

    assert named == {"new value payment_type; unit fare"}
