"""A window without drift does not alarm: flights, in weeks.

The limits come from every second week, the windows from the weeks between them: 500 or 5,000
flights of one week, or a week's flights drawn again and again until they are 50,000. The last
weeks of the year are judged by January to August.
"""

import numpy as np
import pytest

from pipeline.baseline import counting
from pipeline.monitoring.judging.judgement import distances
from tests.pipeline.monitoring.windows import QuietWindows, verdict

WINDOWS = 1000
FEWER = 200
MOST_ALARMS = 15
AUTUMN = np.datetime64("2013-09-01")


@pytest.fixture(scope="module")
def quiet(flights):
    return QuietWindows(flights, days=7)


@pytest.mark.parametrize(("size", "repeated"), [(500, False), (5000, False), (50000, True)])
def test_windows_without_drift_do_not_alarm(quiet, size, repeated):
    profiles = quiet.profiles(size, WINDOWS, repeated)

    kinds = quiet.kinds(profiles)

    assert WINDOWS - kinds["ok"] <= MOST_ALARMS, kinds
    assert kinds["not enough data"] == 0


def test_the_same_windows_alarm_by_half_the_limits(quiet):
    profiles = quiet.profiles(50000, FEWER, repeated=True)

    kinds = quiet.kinds(profiles, scale=0.5)

    assert kinds["drift"] > FEWER * MOST_ALARMS / WINDOWS


def test_the_real_weeks_of_autumn_do_not_alarm(flights):
    days = flights.times.astype("datetime64[D]")
    baseline = flights.baseline(np.flatnonzero(days < AUTUMN))
    weeks = (days - AUTUMN).astype(int) // 7
    verdicts, earlier = [], []
    for week in range(18):
        profile = flights.profile(baseline, np.flatnonzero(weeks == week))
        verdicts.append(verdict(baseline, profile, earlier))
        earlier.insert(0, profile)

    alarms = [entry.sentence for entry in verdicts if entry.needs_someone]

    assert len(alarms) <= 1, alarms
    assert "not enough data" not in {entry.kind for entry in verdicts}


def test_the_training_rows_themselves_have_no_distance(flights, flights_baseline):
    profile = counting.profile(flights_baseline, flights.rows, flights.scores)

    measured = distances(flights_baseline, profile).values()

    assert {distance.distance for distance in measured} == {0.0}
    assert {max(distance.share_change, 0.0) for distance in measured} == {0.0}
