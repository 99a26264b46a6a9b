"""Columns that were exchanged, and rows of one that no longer belong to the others'."""

import pytest

from tests.pipeline.monitoring.faulty import exchanged, findings, names, shuffled


@pytest.mark.parametrize("column", ["fare", "trip_miles", "trip_seconds", "pickup_latitude"])
def test_shuffled_rows_of_taxi_are_named(taxi, taxi_baseline, column):
    change = shuffled(column)

    named = names(taxi, taxi_baseline, change)

    assert named == {f"shuffled {column}"}


@pytest.mark.parametrize(
    "column", ["distance", "sched_dep_time", "sched_arr_time", "dest", "carrier", "origin"]
)
def test_shuffled_rows_of_flights_are_named(flights, flights_baseline, column):
    change = shuffled(column)

    named = names(flights, flights_baseline, change)

    assert named == {f"shuffled {column}"}


def test_shuffled_rows_are_told_with_their_partners(taxi, taxi_baseline):
    change = shuffled("fare")

    [finding] = findings(taxi, taxi_baseline, change)

    assert "no longer go together with trip_miles and trip_seconds" in finding.sentence


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("fare", "trip_miles"),
        ("trip_miles", "trip_seconds"),
        ("pickup_latitude", "pickup_longitude"),
        ("pickup_latitude", "dropoff_latitude"),
        ("pickup_community_area", "dropoff_community_area"),
        ("fare", "payment_type"),
    ],
)
def test_exchanged_columns_of_taxi_are_one_fault(taxi, taxi_baseline, left, right):
    change = exchanged(left, right)

    named = names(taxi, taxi_baseline, change)

    assert named == {f"exchanged {left} {right}"}


@pytest.mark.parametrize(
    ("left", "right"),
    [("origin", "dest"), ("sched_dep_time", "sched_arr_time"), ("carrier", "dest")],
)
def test_exchanged_columns_of_flights_are_one_fault(flights, flights_baseline, left, right):
    names_of_fault = names(flights, flights_baseline, exchanged(left, right))

    assert {" ".join(sorted(name.split())) for name in names_of_fault} == {
        " ".join(sorted(["exchanged", left, right]))
    }
