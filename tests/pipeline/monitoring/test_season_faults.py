"""Other hours and days have other trips: what comes of the clock is no fault."""

import numpy as np
import pyarrow as pa
import pytest

from pipeline.monitoring.judging import faults
from tests.pipeline.monitoring.faulty import counted, multiplied, without
from tests.pipeline.monitoring.samples import small_baseline

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


def trips(at_night):
    """Trips of twenty weeks; `at_night` makes those before four from the others' miles."""
    random = np.random.default_rng(4)
    seconds = np.sort(random.integers(0, 140 * 86400, 28000))
    hour = seconds // 3600 % 24
    miles = random.lognormal(1, 0.6, hour.size)
    table = pa.table({"hour": hour, "miles": np.where(hour < 4, at_night(miles, random), miles)})
    return table, seconds.astype("datetime64[s]")


def longer(miles, random):
    return miles * 1.4


def at_times_longer(miles, random):
    return np.where(random.random(miles.size) < 0.5, miles * 2.54, miles)


def at_times_to_the_airport(miles, random):
    return np.where(random.random(miles.size) < 0.5, 17.25, miles)


@pytest.mark.parametrize("at_night", [longer, at_times_longer, at_times_to_the_airport])
def test_trips_of_the_night_are_no_fault(at_night):
    rows, times = trips(at_night)
    baseline = small_baseline(rows, {"hour": "INT", "miles": "FLOAT"}, times)
    hours = rows["hour"].to_numpy()
    nights = rows.filter(pa.array(hours < 4))

    named = names(baseline, nights)

    assert named == []
