"""Outcomes are joined with a day's requests by their keys, and counted once each."""

import dataclasses
from datetime import timedelta

import numpy as np
import pytest

from pipeline.baseline.content import Slice
from pipeline.errors import RunError
from pipeline.monitoring.log import profiles
from pipeline.monitoring.outcomes import days, table
from pipeline.monitoring.outcomes.days import Source
from tests.pipeline.monitoring import outcome_tables, request_logs
from tests.pipeline.monitoring.outcome_tables import LABELS, outcome
from tests.pipeline.monitoring.request_logs import DAY
from tests.pipeline.monitoring.scored import binned

ROWS = 120
CASH = Slice(column="payment_type", value="Cash")
TEN_MINUTES = Slice(column="trip_seconds", value="600")
# By the places of the rows.
LABELLED, TWICE, CONTRADICTING = range(60), range(60, 70), range(70, 80)
INVALID, UNKNOWN, LATE = range(80, 85), range(85, 100), range(100, 120)


@pytest.fixture(scope="module")
def baseline(small_baseline):
    return dataclasses.replace(small_baseline, slices=(CASH, TEN_MINUTES))


@pytest.fixture(scope="module")
def rows(taxi):
    return taxi.rows.slice(0, ROWS)


@pytest.fixture(scope="module")
def log(bigquery, taxi, rows):
    keyed = outcome_tables.keyed(rows, taxi.scores[:ROWS], size=2)
    unkeyed = request_logs.requests_of(rows.slice(0, 5), taxi.scores[:5])
    others = outcome_tables.keyed(rows.slice(0, 10), taxi.scores[:10], version="2")
    smoke = request_logs.Request(questions=['{"_key": "esteira:smoke", "fare": 1}'], answers=["1"])
    return request_logs.log(bigquery, [*keyed, *unkeyed, *others, smoke])


def rows_of_outcomes(labels):
    known = [outcome(f"k{place}", int(labels[place])) for place in (*LABELLED, *TWICE)]
    again = [outcome(f"k{place}", int(labels[place]), days=2) for place in TWICE]
    both = [outcome(f"k{place}", value) for place in CONTRADICTING for value in (0, 1)]
    invalid = [outcome(f"k{place}", 7) for place in INVALID]
    late = [outcome(f"k{place}", int(labels[place]), days=30) for place in LATE]
    strangers = [outcome(f"stranger {number}", 1) for number in range(9)]
    not_yet = [outcome("k90", None)]
    return [*known, *again, *both, *invalid, *late, *strangers, *not_yet]


@pytest.fixture(scope="module")
def source(bigquery, log, taxi):
    name = outcome_tables.table(bigquery)
    outcome_tables.load(bigquery, name, rows_of_outcomes(taxi.labels))
    return source_of(bigquery, log, name)


def source_of(client, log, name, labels=LABELS):
    return Source(
        client=client,
        log=log,
        profiles=f"{request_logs.DATASET}.profiles_{next(request_logs.NUMBERS)}",
        model="taxi",
        label_table=table.described(client, name, labels),
    )


@pytest.fixture(scope="module")
def counts(source, baseline):
    """By version, slice and day."""
    versions = {"1": baseline, "2": baseline, "3": baseline}
    days.count(source, DAY, versions)
    return days.read(source, DAY, DAY, versions)


@pytest.fixture
def whole(counts):
    return counts["1"][""][DAY]


def test_an_instance_with_an_outcome_is_counted_by_its_score(whole, taxi):
    places = [*LABELLED, *TWICE, *LATE]
    negatives, positives = binned(taxi.scores[places], taxi.labels[places])
    assert whole.negatives == tuple(negatives)
    assert whole.positives == tuple(positives)


def test_an_outcome_that_comes_twice_is_one(whole):
    assert whole.labelled == len(LABELLED) + len(TWICE) + len(LATE)


def test_outcomes_that_contradict_each_other_are_none(whole):
    assert whole.contradicting == len(CONTRADICTING)


def test_an_outcome_that_is_neither_is_none(whole):
    assert whole.invalid == len(INVALID)


def test_a_key_whose_outcome_is_null_or_missing_waits(whole):
    assert whole.unlabelled == len(UNKNOWN)


def test_an_instance_without_a_key_is_told_apart(whole):
    assert whole.unkeyed == 5


def test_outcomes_are_counted_by_the_days_until_they_are_known(whole):
    assert whole.ages[1] == len(LABELLED) + len(TWICE)
    assert whole.ages[-1] == len(LATE)


def test_a_caller_with_two_instances_a_request_is_one_witness(whole):
    assert whole.effective == whole.labelled / 2


def test_each_version_has_its_own_outcomes(counts):
    assert counts["2"][""][DAY].labelled == 10
    assert counts["3"][""][DAY].keyed == 0


@pytest.mark.parametrize(("column", "value"), [("payment_type", "Cash"), ("trip_seconds", 600)])
def test_a_slice_has_the_outcomes_of_its_own_instances(counts, rows, taxi, column, value):
    is_inside = np.array(rows[column].to_pylist()) == value
    places = [place for place in (*LABELLED, *TWICE, *LATE) if is_inside[place]]

    part = counts["1"][f"{column}={value}"][DAY]

    negatives, positives = binned(taxi.scores[places], taxi.labels[places])
    assert places
    assert part.positives == tuple(positives)
    assert part.negatives == tuple(negatives)


def test_days_add_up(whole):
    window = whole + whole
    assert window.labelled == 2 * whole.labelled
    assert sum(window.positives) == 2 * sum(whole.positives)


def test_outcomes_and_profiles_of_a_day_leave_each_other_alone(bigquery, source, baseline, counts):
    versions = {"1": baseline}
    profiles.count(bigquery, source.log, source.profiles, "taxi", DAY, versions)
    [profile] = profiles.read(bigquery, source.profiles, "taxi", DAY, DAY, versions)["1"].values()
    kept = days.read(source, DAY, DAY, versions)
    assert profile.instances == ROWS + 5
    assert kept["1"] == counts["1"]


def test_one_more_job_alone_reads_the_log_of_a_model_and_day(bigquery, taxi, rows, baseline):
    log = request_logs.log(bigquery, outcome_tables.keyed(rows.slice(0, 4), taxi.scores[:4]))
    source = source_of(bigquery, log, outcome_tables.table(bigquery))

    days.count(source, DAY, {"1": baseline, "2": baseline})

    [job] = request_logs.jobs_reading(bigquery, log)
    assert job.labels["purpose"] == "labels"


def test_a_day_is_due_when_it_is_old_enough_and_again_when_outcomes_came(
    bigquery, log, taxi, baseline
):
    name = outcome_tables.table(bigquery)
    source, versions = source_of(bigquery, log, name), {"1": baseline}
    profiles.count(bigquery, log, source.profiles, "taxi", DAY, versions)

    def is_due(age):
        last = DAY + timedelta(days=age)
        return DAY in days.due(source, [last], versions)

    assert not is_due(LABELS.delay_days - 1)
    assert is_due(LABELS.delay_days)
    days.count(source, DAY, versions)
    assert not is_due(LABELS.delay_days)
    outcome_tables.load(bigquery, name, [outcome("k0", 1, days=3)])
    assert is_due(LABELS.delay_days)
    assert not is_due(40)


def test_a_day_of_one_class_and_booleans_is_counted(bigquery, log, baseline):
    columns = (("key", "STRING"), ("outcome", "BOOLEAN"), ("known_at", "DATE"))
    name = outcome_tables.table(bigquery, columns)
    trues = [{"key": f"k{place}", "outcome": True, "known_at": f"{DAY}"} for place in range(7)]
    outcome_tables.load(bigquery, name, trues)
    source = source_of(bigquery, log, name)

    days.count(source, DAY, {"1": baseline})

    whole = days.read(source, DAY, DAY, {"1": baseline})["1"][""][DAY]
    assert sum(whole.positives) == 7
    assert sum(whole.negatives) == 0


UNFIT = {
    "no key": ((("outcome", "INTEGER"), ("known_at", "DATE")), "has no column key, its columns"),
    "text": (
        (("key", "STRING"), ("outcome", "STRING"), ("known_at", "DATE")),
        "has the column outcome of type STRING, allowed are BOOLEAN",
    ),
    "a time of day": (
        (("key", "STRING"), ("outcome", "INTEGER"), ("known_at", "TIME")),
        "has the column known_at of type TIME, allowed are TIMESTAMP, DATE, DATETIME",
    ),
}


@pytest.mark.parametrize(("columns", "sentence"), UNFIT.values(), ids=UNFIT)
def test_a_table_that_holds_no_outcomes_is_one_sentence(bigquery, columns, sentence):
    name = outcome_tables.table(bigquery, columns)
    with pytest.raises(RunError, match=f"^the table of outcomes {name} {sentence}"):
        table.described(bigquery, name, LABELS)


def test_a_missing_table_of_outcomes_is_one_sentence(bigquery):
    with pytest.raises(RunError, match="is missing, allowed is a table or a view with the columns"):
        table.described(bigquery, "demo.log.nothing_there", LABELS)
