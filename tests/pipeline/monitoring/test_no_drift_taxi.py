"""A window without drift does not alarm: taxi trips, in blocks of nine weeks.

Taxi's file has some 80 trips a week. The limits come from every second nine weeks, the windows
from the nine weeks between them: 500 trips of one, or 5,000 of as many as hold them.
"""

import pytest

from pipeline.baseline import counting
from pipeline.monitoring.judging.judgement import distances
from tests.pipeline.monitoring.windows import QuietWindows

WINDOWS = 1000
FEWER = 200
MOST_ALARMS = 15


@pytest.fixture(scope="module")
def quiet(taxi):
    return QuietWindows(taxi, days=63)


@pytest.mark.parametrize("size", [500, 5000])
def test_windows_without_drift_do_not_alarm(quiet, size):
    profiles = quiet.profiles(size, WINDOWS)

    kinds = quiet.kinds(profiles)

    assert WINDOWS - kinds["ok"] <= MOST_ALARMS, kinds
    assert kinds["not enough data"] == 0


def test_the_same_windows_alarm_by_half_the_limits(quiet):
    profiles = quiet.profiles(500, FEWER)

    kinds = quiet.kinds(profiles, scale=0.5)

    assert kinds["drift"] > FEWER * MOST_ALARMS / WINDOWS


def test_the_training_rows_themselves_have_no_distance(taxi, taxi_baseline):
    profile = counting.profile(taxi_baseline, taxi.rows, taxi.scores)

    measured = distances(taxi_baseline, profile).values()

    assert {distance.distance for distance in measured} == {0.0}
    assert {max(distance.share_change, 0.0) for distance in measured} == {0.0}
