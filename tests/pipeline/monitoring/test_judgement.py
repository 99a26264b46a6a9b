"""The verdict on one window: its kind, its order, its sentence, and what it could have seen."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from pipeline.baseline import counting
from pipeline.baseline.content import encode
from pipeline.monitoring.judging.judgement import distances
from pipeline.monitoring.judging.sensitivity import needed_instances
from tests.pipeline.monitoring.windows import moved, scaled, verdict, with_column

SIZE = 5000


@pytest.fixture
def random():
    return np.random.default_rng(5)


def drawn(sample, random, size=SIZE):
    return sample.rows.take(random.choice(sample.rows.num_rows, size, replace=False))


def counted(baseline, rows, instances_per_request=1):
    scores = np.zeros(rows.num_rows)
    return counting.profile(baseline, rows, scores, instances_per_request)


def shifted(rows, name, share, random):
    """The share of the rows that are the smallest in the column drop out of it."""
    numbers = rows[name].to_numpy()
    places = np.argsort(numbers, kind="stable")
    remaining = places[int(share * places.size) :]
    return with_column(rows, name, pa.array(numbers[random.choice(remaining, numbers.size)]))


def test_an_ok_says_the_smallest_change_it_would_have_seen(taxi, taxi_baseline, random):
    judged = verdict(taxi_baseline, counted(taxi_baseline, drawn(taxi, random)))

    assert judged.kind == "ok"
    assert 1.0 < judged.smallest.scale < 1.15
    assert 0.03 < judged.smallest.share < 0.06


def test_a_smaller_window_sees_larger_changes_alone(taxi, taxi_baseline, random):
    large = verdict(taxi_baseline, counted(taxi_baseline, drawn(taxi, random)))

    small = verdict(taxi_baseline, counted(taxi_baseline, drawn(taxi, random, 400)))

    assert small.smallest.scale >= large.smallest.scale
    assert small.smallest.share > large.smallest.share


def test_what_an_ok_claims_to_see_is_seen(flights, flights_baseline, random):
    rows = drawn(flights, random)
    smallest = verdict(flights_baseline, counted(flights_baseline, rows)).smallest

    farther = scaled(rows, "distance", smallest.scale + 0.01)

    measured = distances(flights_baseline, counted(flights_baseline, farther))
    assert measured["distance"].is_over


def test_few_instances_are_not_judged_and_it_says_how_many_are_needed(taxi, taxi_baseline, random):
    needed = needed_instances(taxi_baseline)

    judged = verdict(taxi_baseline, counted(taxi_baseline, drawn(taxi, random, 50)))

    assert judged.kind == "not enough data"
    assert judged.sentence == f"50 instances; needed are {needed:,}"
    assert 100 < needed < 500


def test_one_callers_thousand_instances_are_not_a_thousand_witnesses(taxi, taxi_baseline, random):
    profile = counted(taxi_baseline, drawn(taxi, random), instances_per_request=1000)

    judged = verdict(taxi_baseline, profile)

    assert judged.kind == "not enough data"
    assert "5,000 instances, which weigh as much as 5 single ones" in judged.sentence


def test_a_window_without_instances_is_not_judged(taxi, taxi_baseline):
    judged = verdict(taxi_baseline, counted(taxi_baseline, taxi.rows.slice(0, 0)))

    assert judged.kind == "not enough data"


def test_of_two_columns_the_one_that_the_model_needs_is_named_first(taxi, random):
    baseline = taxi.baseline()
    rows = shifted(drawn(taxi, random), "fare", 0.2, random)
    rows = shifted(rows, "trip_seconds", 0.2, random)
    needs = {"fare": 0.01, "trip_seconds": 0.3}
    columns = {
        name: replace(column, importance=needs.get(name))
        for name, column in baseline.columns.items()
    }

    judged = verdict(replace(baseline, columns=columns), counted(baseline, rows))

    drifts = [finding.columns[0] for finding in judged.findings if finding.kind == "drift"]
    assert drifts[:2] == ["trip_seconds", "fare"]


def test_a_share_that_moved_is_told_by_its_value(flights, flights_baseline, random):
    rows = moved(drawn(flights, random), "origin", "EWR", 0.10, random)

    judged = verdict(flights_baseline, counted(flights_baseline, rows))

    [finding] = judged.findings
    assert finding.measure == "share"
    assert finding.distance > finding.limit
    assert finding.sentence.startswith("origin is 'EWR' in 45")
    assert judged.sentence == finding.sentence


def test_a_verdict_says_what_is_not_judged_and_why(flights, flights_baseline, random):
    judged = verdict(flights_baseline, counted(flights_baseline, drawn(flights, random)))

    assert set(judged.unjudged) == {"year", "month", "day", "time_hour", "flight", "tailnum"}
    assert judged.unjudged["flight"] == "left out by monitoring.leave_out in model.toml"
    assert judged.unjudged["month"].endswith("it follows the month")


def test_taxis_months_and_moments_are_not_judged(taxi_baseline):
    unjudged = {name for name, column in taxi_baseline.columns.items() if column.unjudged}

    assert unjudged == {"trip_start_timestamp", "trip_start_month", "company"}


def test_no_company_of_taxis_is_named_since_it_is_personal(taxi, taxi_baseline):
    text = encode(taxi_baseline).decode()

    names = [name for name in taxi.rows["company"].unique().to_pylist() if name]
    assert [name for name in names if name in text] == []


def test_a_limit_of_model_toml_is_what_it_says(taxi, random):
    fares = scaled(drawn(taxi, random), "fare", 1.1)
    baseline = replace(taxi.baseline(limits={"fare": 0.2}), scale=3.0)

    measured = distances(baseline, counted(baseline, fares))["fare"]

    assert measured.limit == pytest.approx(0.2, abs=0.005)
    assert not measured.is_over


def test_a_model_without_any_judged_column_is_ok(taxi, random):
    baseline = taxi.baseline(leave_out=tuple(taxi.schema))

    judged = verdict(baseline, counted(baseline, drawn(taxi, random)))

    assert judged.kind == "ok"
    assert judged.smallest is None


def test_a_model_without_a_time_column_is_judged_by_wider_limits(taxi, random):
    timeless = replace(taxi, time_column=None)
    baseline = timeless.baseline()

    judged = verdict(baseline, counted(baseline, scaled(drawn(taxi, random), "fare", 1.3)))

    assert baseline.columns["fare"].limit == 0.02
    assert judged.findings[0].columns == ("fare",)
