"""Values that are gone, mistyped or filled in."""

import pytest

from tests.pipeline.monitoring.faulty import as_text, dropped, filled, findings, names, without

TWENTY = range(20)


@pytest.mark.parametrize("column", ["fare", "trip_seconds", "payment_type"])
def test_five_points_missing_of_taxi_are_named(taxi, taxi_baseline, column):
    change = without([column], 0.05)

    named = names(taxi, taxi_baseline, change)

    assert named == {f"missing {column}"}


@pytest.mark.parametrize("column", ["distance", "origin", "sched_dep_time"])
def test_five_points_missing_of_flights_are_named(flights, flights_baseline, column):
    change = without([column], 0.05)

    named = names(flights, flights_baseline, change)

    assert named == {f"missing {column}"}


def test_five_points_missing_are_found_in_each_of_twenty_windows(taxi, taxi_baseline):
    change = without(["fare"], 0.05)

    named = names(taxi, taxi_baseline, change, TWENTY)

    assert named == {"missing fare"}


def test_eight_points_missing_are_found_in_a_thousand_rows(taxi, taxi_baseline):
    change = without(["fare"], 0.08)

    named = names(taxi, taxi_baseline, change, TWENTY, 1000)

    assert named == {"missing fare"}


def test_columns_that_lack_the_same_rows_are_one_fault(taxi, taxi_baseline):
    change = without(["pickup_latitude", "pickup_longitude"], 0.1)

    named = names(taxi, taxi_baseline, change)

    assert named == {"missing pickup_latitude pickup_longitude"}


def test_columns_that_lack_other_rows_are_two_faults(taxi, taxi_baseline):
    def change(rows):
        return without(["fare"], 0.2)(without(["trip_seconds"], 0.1)(rows))

    named = names(taxi, taxi_baseline, change)

    assert named == {"missing fare; missing trip_seconds"}


def test_missing_values_are_told_with_both_shares(flights, flights_baseline):
    change = without(["distance"], 0.2)

    [finding] = findings(flights, flights_baseline, change)

    assert "in training in 0 %" in finding.sentence


@pytest.mark.parametrize("column", ["fare", "payment_type", "trip_start_hour", "company"])
def test_a_column_of_taxi_that_is_gone_is_named(taxi, taxi_baseline, column):
    change = dropped(column)

    named = names(taxi, taxi_baseline, change)

    assert named == {f"absent {column}"}


@pytest.mark.parametrize("column", ["distance", "dest", "tailnum"])
def test_a_column_of_flights_that_is_gone_is_named(flights, flights_baseline, column):
    change = dropped(column)

    named = names(flights, flights_baseline, change)

    assert named == {f"absent {column}"}


def test_two_columns_that_are_gone_are_one_fault(flights, flights_baseline):
    def change(rows):
        return dropped("origin")(dropped("dest")(rows))

    named = names(flights, flights_baseline, change)

    assert named == {"absent origin dest"}


def test_numbers_as_words_are_named(flights, flights_baseline):
    change = as_text("distance")

    named = names(flights, flights_baseline, change)

    assert named == {"mistyped distance"}


def test_numbers_as_words_are_as_far_from_training_as_missing_ones(flights, flights_baseline):
    change = as_text("distance")

    [finding] = findings(flights, flights_baseline, change)

    assert finding.distance == pytest.approx(1)


@pytest.mark.parametrize("value", [0, 17031081401])
def test_a_value_in_place_of_the_missing_is_named(taxi, taxi_baseline, value):
    change = filled("dropoff_census_tract", value)

    named = names(taxi, taxi_baseline, change)

    assert named == {"filled in dropoff_census_tract"}
