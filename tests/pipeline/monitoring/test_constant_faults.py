"""A value that stands still is told once, whatever repeats it."""

import pytest

from tests.pipeline.monitoring.faulty import averaged, findings, names, repeated, replaced


@pytest.mark.parametrize("column", ["fare", "trip_seconds", "pickup_latitude"])
def test_a_frozen_sensor_of_taxi_is_named(taxi, taxi_baseline, column):
    change = repeated(column)

    named = names(taxi, taxi_baseline, change)

    assert named == {f"constant {column}"}


@pytest.mark.parametrize("column", ["distance", "sched_dep_time", "dest", "carrier"])
def test_a_frozen_sensor_of_flights_is_named(flights, flights_baseline, column):
    change = repeated(column)

    named = names(flights, flights_baseline, change)

    assert named == {f"constant {column}"}


def test_a_frozen_sensor_is_told_by_its_value(taxi, taxi_baseline):
    change = replaced("fare", 12.25)

    [finding] = findings(taxi, taxi_baseline, change)

    assert "100 % of the instances have about 12.25" in finding.sentence


@pytest.mark.parametrize("column", ["fare", "trip_miles"])
def test_a_mean_in_place_of_all_values_is_named(taxi, taxi_baseline, column):
    change = averaged(column)

    named = names(taxi, taxi_baseline, change)

    assert named == {f"constant {column}"}


def test_a_mean_in_place_of_some_values_is_named(taxi, taxi_baseline):
    change = averaged("fare", 0.4)

    named = names(taxi, taxi_baseline, change)

    assert named == {"constant fare"}


def test_a_mean_in_place_of_some_distances_is_named(flights, flights_baseline):
    change = averaged("distance", 0.4)

    named = names(flights, flights_baseline, change)

    assert named == {"constant distance"}


def test_a_value_that_no_training_row_has_is_constant_too(flights, flights_baseline):
    change = replaced("dest", "ZZZ")

    named = names(flights, flights_baseline, change)

    assert named == {"constant dest"}


def test_a_window_of_one_weekday_is_no_fault(taxi, taxi_baseline):
    change = replaced("trip_start_day", 1)

    named = names(taxi, taxi_baseline, change)

    assert named == {""}
