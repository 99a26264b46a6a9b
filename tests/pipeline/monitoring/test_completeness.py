"""A log that lost more than chance takes is told, and no other."""

from dataclasses import replace

import numpy as np
import pytest

from pipeline.baseline.profile import Profile
from pipeline.monitoring import completeness
from pipeline.monitoring.completeness import Answered

NOTHING = Profile(instances=0, requests=0, request_squares=0, columns={}, scores=())
REQUESTS = Answered(100_000, "requests")


def logged(requests: int, instances_per_request: int = 1) -> Profile:
    return replace(
        NOTHING,
        requests=requests,
        instances=requests * instances_per_request,
        request_squares=requests * instances_per_request**2,
    )


def told(binomial: float, seed: int, logs: int) -> int:
    """How many of so many logs are told, each of which has this share of the requests."""
    sampled = np.random.default_rng(seed).binomial(100_000, binomial, logs)
    profiles = [logged(int(rows)) for rows in sampled]
    problems = [completeness.problem(profile, REQUESTS, 0.1) for profile in profiles]
    return logs - problems.count(None)


def test_a_log_that_lost_one_request_in_twenty_is_told_with_its_figures():
    problem = completeness.problem(logged(9_500), REQUESTS, 0.1)

    assert problem == (
        "the log has 9,500 requests, and 10,000 are expected of 100,000 answered at 10.0%: "
        "5.0% are lost"
    )


@pytest.mark.parametrize("requests", [9_800, 10_000, 10_600])
def test_what_chance_may_take_is_not_told(requests):
    assert completeness.problem(logged(requests), REQUESTS, 0.1) is None


def test_whole_logs_are_told_once_in_a_thousand_or_less():
    assert told(0.1, seed=1, logs=2_000) <= 2


def test_a_log_that_lost_one_in_twenty_is_told_nearly_always():
    assert told(0.1 * 0.95, seed=2, logs=200) >= 190


def test_a_whole_log_may_lack_what_a_window_s_ends_cost():
    at_the_ends = completeness.problem(logged(99_950), REQUESTS, 1.0)
    within = completeness.problem(logged(99_000), REQUESTS, 1.0)

    assert at_the_ends is None
    assert within is not None


def test_smoke_tests_are_rows_of_the_log():
    answered = Answered(300, "requests")
    with_smoke = replace(logged(10), smoke=20)
    without = logged(10)

    assert completeness.problem(with_smoke, answered, 0.1) is None
    assert completeness.problem(without, answered, 0.1) is not None


def test_requests_of_a_thousand_instances_are_no_thousand_draws():
    """Of a hundred such requests, chance leaves four in the log at 10 % now and then."""
    answered = Answered(100_000, "instances")
    of_a_thousand = logged(4, instances_per_request=1_000)
    single = logged(4_000)

    assert completeness.problem(of_a_thousand, answered, 0.1) is None
    assert completeness.problem(single, answered, 0.1) is not None


def test_elements_that_cannot_be_read_were_answered_and_are_logged():
    answered = Answered(10_000, "instances")
    profile = replace(logged(400), unparsable=400, foreign=200)

    problem = completeness.problem(profile, answered, 0.1)

    assert problem is None


def test_a_log_without_a_row_is_told_where_requests_of_the_usual_size_should_be_in_it():
    answered = Answered(1_000, "instances")

    single = completeness.problem(NOTHING, answered, 0.1)
    of_a_thousand = completeness.problem(NOTHING, answered, 0.1, instances_per_request=1_000)

    assert single is not None
    assert of_a_thousand is None


def test_the_expected_rows_are_requests_whatever_was_counted():
    profile = logged(1_000, instances_per_request=10)

    requests = completeness.expected_requests(profile, REQUESTS, 0.1)
    of_instances = completeness.expected_requests(profile, Answered(100_000, "instances"), 0.1)

    assert requests == 10_000
    assert of_instances == 1_000
