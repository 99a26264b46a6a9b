"""Other hours and days have other trips: what comes of the clock is no fault."""

import numpy as np
import pytest

from pipeline.monitoring import faults
from tests.pipeline.monitoring.faulty import counted, multiplied, without

HOURS = range(0, 24, 3)


def at(sample, column, values):
    chosen = np.isin(sample.rows[column].to_numpy(), list(values))
    return sample.rows.take(np.flatnonzero(chosen))


def names(baseline, rows):
    return [finding.name for finding in faults.findings(baseline, counted(baseline, rows), [])]


@pytest.mark.parametrize("hour", HOURS)
def test_three_hours_of_taxi_are_no_fault(taxi, taxi_baseline, hour):
    rows = at(taxi, "trip_start_hour", range(hour, hour + 3))

    named = names(taxi_baseline, rows)

    assert named == []


@pytest.mark.parametrize("hour", range(3, 24, 3))
def test_three_hours_of_flights_are_no_fault(flights, flights_baseline, hour):
    rows = at(flights, "hour", range(hour, hour + 3))

    named = names(flights_baseline, rows)

    assert named == []


def test_the_last_flights_of_the_day_are_no_fault(flights, flights_baseline):
    named = names(flights_baseline, at(flights, "hour", [23]))

    assert named == []


def test_sundays_of_taxi_are_no_fault(taxi, taxi_baseline):
    named = names(taxi_baseline, at(taxi, "trip_start_day", [1]))

    assert named == []


@pytest.mark.parametrize("month", [1, 7, 12])
def test_a_month_of_flights_is_no_fault(flights, flights_baseline, month):
    named = names(flights_baseline, at(flights, "month", [month]))

    assert named == []


def test_kilometres_at_night_are_a_fault(taxi, taxi_baseline):
    nights = multiplied("trip_miles", 1.609344)(at(taxi, "trip_start_hour", range(5)))

    named = names(taxi_baseline, nights)

    assert named == ["unit"]


def test_missing_fares_at_night_are_a_fault(taxi, taxi_baseline):
    nights = without(["fare"], 0.05)(at(taxi, "trip_start_hour", range(5)))

    named = names(taxi_baseline, nights)

    assert named == ["missing"]
