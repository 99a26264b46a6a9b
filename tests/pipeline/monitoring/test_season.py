"""A window of a time that training has not seen is a season at first, and a drift if it lasts."""

import numpy as np
import pytest

from pipeline.baseline import counting
from pipeline.baseline.profile import Profile
from tests.pipeline.monitoring.windows import verdict, without_values

SIZE = 5000
SUNDAY = 1  # of taxi's trip_start_day
NOTHING = Profile(instances=0, requests=0, request_squares=0, columns={}, scores=())


def window(sample, baseline, chosen, seed=0):
    random = np.random.default_rng(seed)
    places = np.flatnonzero(chosen)
    drawn = random.choice(places, min(SIZE, places.size), replace=False)
    return sample.profile(baseline, drawn)


def column(sample, name):
    return sample.rows[name].to_numpy()


@pytest.fixture(scope="module")
def days(flights):
    return flights.times.astype("datetime64[D]")


@pytest.fixture(scope="module")
def quiet(flights, flights_baseline, days):
    june = (days >= np.datetime64("2013-06-02")) & (days < np.datetime64("2013-06-09"))
    return window(flights, flights_baseline, june)


@pytest.fixture(scope="module")
def nights(flights, flights_baseline):
    return window(flights, flights_baseline, column(flights, "hour") >= 21)


def test_a_december_week_is_a_season_to_a_model_of_january_to_november(flights, days):
    baseline = flights.baseline(np.flatnonzero(days < np.datetime64("2013-12-01")))
    christmas = (days >= np.datetime64("2013-12-22")) & (days < np.datetime64("2013-12-29"))

    judged = verdict(baseline, window(flights, baseline, christmas))

    assert judged.kind == "season"
    assert "month" in judged.sentence


def test_a_december_week_is_ok_to_a_model_of_the_whole_year(flights, flights_baseline, days):
    christmas = (days >= np.datetime64("2013-12-22")) & (days < np.datetime64("2013-12-29"))

    judged = verdict(flights_baseline, window(flights, flights_baseline, christmas))

    assert judged.kind == "ok"


def test_flights_of_the_night_alone_are_a_season(flights_baseline, nights, quiet):
    judged = verdict(flights_baseline, nights, [quiet])

    assert judged.kind == "season"
    assert "hour" in judged.sentence


def test_a_season_asks_nobody_for_anything(flights_baseline, nights, quiet):
    judged = verdict(flights_baseline, nights, [quiet])

    assert not judged.needs_someone
    assert judged.findings == ()


def test_flights_of_the_night_alone_are_a_drift_in_the_second_window(flights_baseline, nights):
    judged = verdict(flights_baseline, nights, [nights])

    assert judged.kind == "drift"


def test_a_window_without_rows_between_them_makes_no_second_season(flights_baseline, nights):
    judged = verdict(flights_baseline, nights, [NOTHING, nights])

    assert judged.kind == "drift"


def test_flights_of_sundays_alone_are_no_drift(flights, flights_baseline, days):
    weekday = (days.astype(int) + 4) % 7

    judged = verdict(flights_baseline, window(flights, flights_baseline, weekday == 0))

    assert judged.kind in ("ok", "season")


def test_trips_of_sundays_alone_are_a_season_at_first(taxi, taxi_baseline):
    sundays = window(taxi, taxi_baseline, column(taxi, "trip_start_day") == SUNDAY)

    judged = verdict(taxi_baseline, sundays)

    assert judged.kind == "season"
    assert "trip_start_day" in judged.sentence


def test_trips_of_sundays_alone_are_a_drift_in_the_second_window(taxi, taxi_baseline):
    sundays = window(taxi, taxi_baseline, column(taxi, "trip_start_day") == SUNDAY)

    judged = verdict(taxi_baseline, sundays, [sundays])

    assert judged.kind == "drift"


def test_trips_of_the_night_alone_are_a_season(taxi, taxi_baseline):
    hours = column(taxi, "trip_start_hour")
    nights = window(taxi, taxi_baseline, (hours < 5) | (hours >= 22))

    judged = verdict(taxi_baseline, nights)

    assert judged.kind == "season"


def test_december_trips_are_a_season_to_a_model_without_any(taxi):
    december = column(taxi, "trip_start_month") == 12
    baseline = taxi.baseline(np.flatnonzero(~december))

    judged = verdict(baseline, window(taxi, baseline, december))

    assert judged.kind == "season"
    assert "trip_start_month" in judged.sentence


def test_december_trips_are_ok_to_a_model_of_whole_years(taxi, taxi_baseline):
    december = column(taxi, "trip_start_month") == 12

    judged = verdict(taxi_baseline, window(taxi, taxi_baseline, december))

    assert judged.kind == "ok"


def test_a_season_that_returned_to_what_is_usual_is_ok(flights_baseline, nights, quiet):
    judged = verdict(flights_baseline, quiet, [nights])

    assert judged.kind == "ok"


def test_hours_that_are_missing_are_no_season(flights, flights_baseline):
    random = np.random.default_rng(0)
    places = random.choice(flights.rows.num_rows, SIZE)
    rows = without_values(flights.rows.take(places), "hour", 0.2, random)
    profile = counting.profile(flights_baseline, rows, flights.scores[places])

    judged = verdict(flights_baseline, profile)

    assert judged.needs_someone
