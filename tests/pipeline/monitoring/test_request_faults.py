"""Requests that are none of this model's, go unanswered, or come in other numbers."""

from dataclasses import replace

import pytest

from pipeline.monitoring.judging import faults
from tests.pipeline.monitoring.faulty import SIZE, as_text, counted, drawn, multiplied, replaced


@pytest.fixture(scope="module")
def window(taxi, taxi_baseline):
    return counted(taxi_baseline, drawn(taxi, 1))


def names(baseline, profile, earlier=()):
    return [finding.name for finding in faults.findings(baseline, profile, earlier)]


def with_requests(window, count):
    return replace(window, requests=count)


@pytest.mark.parametrize(
    ("field", "name"),
    [("unparsable", "unparsable"), ("foreign", "foreign"), ("unanswered", "unanswered")],
)
def test_one_in_a_hundred_is_named(taxi_baseline, window, field, name):
    profile = replace(window, **{field: SIZE // 100})

    named = names(taxi_baseline, profile)

    assert named == [name]


@pytest.mark.parametrize("field", ["unparsable", "foreign", "unanswered"])
def test_one_in_a_thousand_is_no_fault(taxi_baseline, window, field):
    profile = replace(window, **{field: SIZE // 1000})

    named = names(taxi_baseline, profile)

    assert named == []


def test_unparsable_elements_alone_are_named(taxi, taxi_baseline):
    no_rows = drawn(taxi, 1, size=0)
    profile = replace(counted(taxi_baseline, no_rows), unparsable=1000)

    named = names(taxi_baseline, profile)

    assert named == ["unparsable"]


@pytest.mark.parametrize("count", [SIZE // 5, SIZE * 5])
def test_another_number_of_requests_is_named(taxi_baseline, window, count):
    earlier = [window] * 5

    named = names(taxi_baseline, with_requests(window, count), earlier)

    assert named == ["volume"]


@pytest.mark.parametrize("count", [SIZE * 2 // 3, SIZE * 3 // 2])
def test_a_quieter_or_busier_week_is_no_fault(taxi_baseline, window, count):
    earlier = [window] * 5

    named = names(taxi_baseline, with_requests(window, count), earlier)

    assert named == []


def test_a_sunday_is_compared_with_sundays(taxi_baseline, window):
    baseline = replace(taxi_baseline, window_days=1)
    week = [with_requests(window, SIZE)] * 6 + [with_requests(window, SIZE // 10)]

    named = names(baseline, with_requests(window, SIZE // 10), week * 4)

    assert named == []


def test_the_numbers_of_a_new_version_are_no_fault(taxi_baseline, window):
    earlier = [with_requests(window, SIZE // 10)] * 3

    named = names(taxi_baseline, window, earlier)

    assert named == []


def test_one_caller_of_a_thousand_instances_each_is_no_fault(taxi, taxi_baseline):
    rows = drawn(taxi, 1).slice(0, 1000)
    first = rows.take([0] * 1000)

    named = names(taxi_baseline, counted(taxi_baseline, first, 1000))

    assert named == []


def test_a_fault_says_how_many_windows_had_it(taxi, taxi_baseline):
    broken = counted(taxi_baseline, multiplied("fare", 100)(drawn(taxi, 1)))

    [finding] = faults.findings(taxi_baseline, broken, [broken, broken])

    assert finding.sentence.endswith("so it was in the 2 windows before")


def test_a_fault_says_that_it_is_new(taxi, taxi_baseline, window):
    broken = counted(taxi_baseline, multiplied("fare", 100)(drawn(taxi, 1)))

    [finding] = faults.findings(taxi_baseline, broken, [window])

    assert finding.sentence.endswith("it was not so in the window before")


def test_text_that_the_server_refuses_is_one_fault(flights, flights_baseline):
    rows = as_text("distance")(drawn(flights, 1))
    counts = counted(flights_baseline, rows)
    profile = replace(counts, unanswered=counts.instances)

    named = names(flights_baseline, profile)

    assert named == ["mistyped"]


def test_ten_requests_of_a_canary_tell_nothing(taxi, taxi_baseline):
    rows = replaced("fare", None)(drawn(taxi, 1, size=10))
    profile = counted(taxi_baseline, rows)

    named = names(taxi_baseline, profile)

    assert named == []
