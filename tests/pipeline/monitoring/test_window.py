"""Each version is judged in its own window, against its own baseline."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from pipeline.baseline import content
from pipeline.monitoring import place, watch, window
from pipeline.monitoring.completeness import Answered
from pipeline.monitoring.place import Span, Version
from pipeline.monitoring.window import Window
from tests.pipeline.monitoring import cab

LAST = date(2026, 5, 7)
ALWAYS = Span(begin=datetime(2020, 1, 1, tzinfo=UTC))


@pytest.fixture(scope="module")
def baseline():
    return cab.baseline()


@pytest.fixture(scope="module")
def dearer():
    """The baseline of a version that was trained on fares twice as high."""
    return cab.baseline(factor=2.0)


def version(baseline, id_="7", spans=(ALWAYS,)) -> Version:
    return Version(id=id_, number="1", baseline=baseline, spans=spans, problem="retrain")


def days(baseline, *, seed=0, count=100, number=7, last=LAST, **change):
    """A profile a day, the last day first."""
    profiles = {}
    for back in range(number):
        table = cab.rows(count, seed + back, **change)
        profiles[last - timedelta(days=back)] = cab.profile(baseline, table)
    return profiles


def of(version, days, last=LAST) -> Window:
    return Window(model="cab", version=version, last=last, days=days)


def judged(version, days, answered=None, rate=None):
    return window.verdict(of(version, days), answered, rate)


def test_two_versions_of_one_window_are_each_compared_with_their_own_training_rows(
    baseline, dearer
):
    low = judged(version(baseline), days(baseline))
    high = judged(version(dearer), days(dearer, factor=2.0))
    swapped = judged(version(dearer), days(dearer))

    assert low.kind == "ok"
    assert high.kind == "ok"
    assert swapped.needs_someone


def test_a_canary_is_judged_by_its_own_few_requests(baseline, dearer):
    full = judged(version(baseline), days(baseline, count=100))
    canary = judged(version(dearer, "8"), days(dearer, count=1, factor=2.0))

    assert full.kind == "ok"
    assert canary.kind == "not enough data"
    assert canary.instances == 7


def test_a_version_that_was_taken_back_is_judged_by_the_days_that_it_had(baseline, dearer):
    half = Span(begin=ALWAYS.begin, end=datetime(2026, 5, 4, tzinfo=UTC))
    early = days(dearer, number=3, last=date(2026, 5, 3), factor=2.0)

    verdict = judged(version(dearer, spans=(half,)), early)

    assert verdict.kind == "ok"
    assert verdict.instances == 300


def test_a_window_ends_with_its_last_day_and_is_as_long_as_training_s_blocks(baseline):
    daily = cab.baseline(window_days=1)

    week = judged(version(baseline), days(baseline))
    day = judged(version(daily), days(daily, count=400))

    assert (week.begin, week.end) == (
        datetime(2026, 5, 1, tzinfo=UTC),
        datetime(2026, 5, 8, tzinfo=UTC),
    )
    assert day.begin == datetime(2026, 5, 7, tzinfo=UTC)
    assert day.instances == 400


def test_the_windows_before_share_no_day(baseline):
    profiles = days(baseline, number=30)

    earlier = of(version(baseline), profiles).earlier

    assert [profile.instances for profile in earlier] == [700, 700, 700, 200]


def test_a_day_without_rows_keeps_its_place_among_the_windows_before(baseline):
    daily = cab.baseline(window_days=1)
    profiles = days(daily, number=5)
    del profiles[LAST - timedelta(days=2)]

    earlier = of(version(daily), profiles).earlier

    assert [profile.instances for profile in earlier] == [100, 0, 100, 100]


def test_a_version_without_a_baseline_is_told_with_what_helps(baseline):
    verdict = judged(version(None), days(baseline))

    assert verdict.kind == "no baseline"
    assert verdict.sentence == "retrain"
    assert verdict.requests == 700


def test_a_log_that_lost_rows_is_told_and_what_it_holds_is_judged(baseline):
    answered = Answered(9_000, "requests")

    verdict = judged(version(baseline), days(baseline, missing=0.2), answered, 0.1)

    assert verdict.kind == "log incomplete"
    assert "900 are expected of 9,000 answered at 10.0%" in verdict.sentence
    assert [finding.name for finding in verdict.findings] == ["missing"]
    assert verdict.expected_requests == 900


def test_a_whole_log_is_judged_by_its_rows(baseline):
    verdict = judged(version(baseline), days(baseline), Answered(7_000, "requests"), 0.1)

    assert verdict.kind == "ok"


def test_a_server_s_days_alone_are_compared_with_the_log(baseline):
    counted = frozenset({LAST, LAST - timedelta(days=1)})
    whole = Answered(2_000, "requests", counted)
    halved = Answered(4_000, "requests", counted)

    assert judged(version(baseline), days(baseline), whole, 0.1).kind == "ok"
    assert judged(version(baseline), days(baseline), halved, 0.1).kind == "log incomplete"


def test_nothing_asked_and_nothing_logged_is_no_requests(baseline):
    verdict = judged(version(baseline), {}, Answered(0, "instances"), 0.1)

    assert verdict.kind == "no requests"
    assert verdict.sentence == "nothing was asked and nothing logged from 2026-05-01 to 2026-05-07"


def test_an_empty_log_is_no_requests_where_nobody_counts_answers(baseline):
    verdict = judged(version(baseline), {})

    assert verdict.kind == "no requests"


def test_answers_without_a_single_row_are_an_incomplete_log(baseline):
    verdict = judged(version(baseline), {}, Answered(5_000, "instances"), 0.1)

    assert verdict.kind == "log incomplete"
    assert "0 instances, and 500 are expected of 5,000 answered" in verdict.sentence


def test_so_few_answers_that_chance_logs_none_of_them_are_nothing_to_tell(baseline):
    verdict = judged(version(baseline), {}, Answered(20, "requests"), 0.1)

    assert verdict.kind == "not enough data"


def test_smoke_tests_alone_are_no_lost_rows(baseline):
    smoke = replace(window.NOTHING, smoke=60)

    verdict = judged(version(baseline), {LAST: smoke}, Answered(600, "requests"), 0.1)

    assert verdict.kind == "not enough data"


@pytest.mark.parametrize("hours", [0, 23])
def test_a_version_that_hardly_had_traffic_is_missed_by_nobody(baseline, hours):
    begin = datetime(2026, 5, 6, tzinfo=UTC)
    span = Span(begin=begin, end=begin + timedelta(hours=hours))

    assert judged(version(baseline, spans=(span,)), {}) is None


def test_a_baseline_that_cannot_be_read_is_a_reason_and_no_failure():
    def damaged():
        return content.decode(b"{}", "gs://b/baseline.json")

    missing = place.baseline_or_problem(lambda: None)
    problem = place.baseline_or_problem(damaged)

    assert missing == (None, place.NO_BASELINE)
    assert problem == (None, "gs://b/baseline.json is no baseline: train the model again")


def test_a_day_whose_rows_are_gone_keeps_its_counts():
    today = datetime.now(UTC).date()
    days = [today - timedelta(days=back) for back in (90, 89, 1)]

    in_a_stage = watch.countable(days, 90)
    here = watch.countable(days, None)

    assert in_a_stage == days[1:]
    assert here == days
