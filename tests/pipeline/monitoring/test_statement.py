"""The statement counts a log as counting.profile counts rows, whatever is wrong with them."""

import dataclasses
import json

import pyarrow as pa
import pyarrow.compute as pc
import pytest
import sqlglot

from pipeline.baseline import counting
from pipeline.baseline.content import Bins, Slice
from pipeline.errors import RunError
from pipeline.monitoring.log import counted, log_tables, statement
from pipeline.monitoring.log.layout import Layout
from tests.pipeline.monitoring import faulty, request_logs

ROWS = 600
FLOAT_COLUMNS = ("log_sum", "log_square_sum")


def quoted(text):
    return rf"'\x41\"é{text}"


TAXI_FAULTS = {
    "nothing": faulty.without([], 0),
    "fare times 1.15": faulty.multiplied("fare", 1.15),
    "fare in cents": faulty.multiplied("fare", 100),
    "fare rounded": faulty.rounded("fare", 0),
    "fare of 1e308": faulty.multiplied("fare", 1e306),
    "fare as text": faulty.as_text("fare"),
    "fare frozen": faulty.repeated("fare"),
    "miles in kilometres": faulty.multiplied("trip_miles", 1.609344),
    "seconds negative": faulty.multiplied("trip_seconds", -1),
    "fare and miles missing more": faulty.without(["fare", "trip_miles"], 0.3),
    "payment type gone": faulty.dropped("payment_type"),
    "payment type in lower case": faulty.respelt("payment_type", str.lower),
    "payment type with quotes": faulty.respelt("payment_type", quoted),
    "fare shuffled": faulty.shuffled("fare"),
    "miles and seconds exchanged": faulty.exchanged("trip_miles", "trip_seconds"),
}
FLIGHTS_FAULTS = {
    "nothing": faulty.without([], 0),
    "distance in kilometres": faulty.multiplied("distance", 1.609344),
    "distance averaged": faulty.averaged("distance"),
    "carrier in lower case": faulty.respelt("carrier", str.lower),
    "origin of one airport": faulty.replaced("origin", "EWR"),
    "departure and arrival exchanged": faulty.exchanged("sched_dep_time", "sched_arr_time"),
    "tail number missing more": faulty.without(["tailnum"], 0.5),
    "hour as text": faulty.as_text("hour"),
}


@pytest.fixture(scope="module")
def taxi_counts(bigquery, taxi, taxi_baseline):
    return both_counts(bigquery, taxi, taxi_baseline, TAXI_FAULTS)


@pytest.fixture(scope="module")
def flights_counts(bigquery, flights, flights_baseline):
    return both_counts(bigquery, flights, flights_baseline, FLIGHTS_FAULTS)


def both_counts(client, sample, baseline, faults):
    """By fault what SQL counts, and what Python does; a fault is a version in one log."""
    rows = faulty.drawn(sample, 3, ROWS)
    scores = sample.scores[:ROWS]
    broken = {fault: change(rows) for fault, change in faults.items()}
    requests = []
    for fault, table in broken.items():
        requests += request_logs.requests_of(table, scores, version=fault, size=3)
    by_sql = count(client, requests, dict.fromkeys(faults, baseline))
    by_python = {
        fault: counting.profile(baseline, table, scores, instances_per_request=3)
        for fault, table in broken.items()
    }
    return {fault: (by_sql[fault].whole, by_python[fault]) for fault in faults}


def count(client, requests, versions):
    """What the statement counts of a log of these requests, by version."""
    log = log_tables.described(client, request_logs.log(client, requests))
    layout = Layout(versions)
    text = statement.text(log, request_logs.DAY, layout)
    return counted.profiles(list(client.query(text).result()), layout)


def whole_numbers(profile):
    """A profile but for the sums of logarithms, which other orders round otherwise."""
    zeros = dict.fromkeys(FLOAT_COLUMNS, 0.0)
    columns = {
        name: dataclasses.replace(counts, **zeros) for name, counts in profile.columns.items()
    }
    return dataclasses.replace(profile, columns=columns)


def log_sums(profile):
    counts = profile.columns.values()
    return [getattr(column, name) for column in counts for name in FLOAT_COLUMNS]


@pytest.mark.parametrize("fault", TAXI_FAULTS)
def test_sql_and_python_count_taxi_s_rows_alike(taxi_counts, fault):
    by_sql, by_python = taxi_counts[fault]
    assert whole_numbers(by_sql) == whole_numbers(by_python)


@pytest.mark.parametrize("fault", FLIGHTS_FAULTS)
def test_sql_and_python_count_flights_rows_alike(flights_counts, fault):
    by_sql, by_python = flights_counts[fault]
    assert whole_numbers(by_sql) == whole_numbers(by_python)


def test_sql_and_python_sum_the_same_logarithms(taxi_counts):
    for by_sql, by_python in taxi_counts.values():
        assert log_sums(by_sql) == pytest.approx(log_sums(by_python))


@pytest.fixture(scope="module")
def sliced(bigquery, taxi, taxi_baseline):
    """Rows, their scores, and what is counted of them by slices that overlap."""
    slices = (
        Slice(column="payment_type", value="Cash"),
        Slice(column="payment_type", value="Credit Card"),
        Slice(column="trip_start_hour", value="19"),
    )
    few = request_logs.of_columns(taxi_baseline, ("fare", "payment_type", "trip_start_hour"))
    baseline = dataclasses.replace(few, slices=slices)
    rows, scores = taxi.rows.slice(0, ROWS), taxi.scores[:ROWS]
    requests = request_logs.requests_of(rows, scores)
    counts = count(bigquery, requests, {"1": baseline})
    return rows, scores, baseline, counts["1"]


@pytest.mark.parametrize(
    ("column", "value", "text"),
    [("payment_type", "Cash", "Cash"), ("trip_start_hour", 19, "19")],
)
def test_a_slice_is_counted_as_its_rows_alone(sliced, column, value, text):
    rows, scores, baseline, counts = sliced
    chosen = pc.equal(rows[column], value).fill_null(False)
    expected = counting.profile(baseline, rows.filter(chosen), scores[chosen.to_numpy()])

    profile = counts.slices[Slice(column=column, value=text)]

    assert profile.instances == expected.instances
    assert profile.columns["fare"].bins == expected.columns["fare"].bins


def test_rows_in_two_slices_are_counted_once(sliced):
    rows, _, _, counts = sliced
    assert counts.whole.instances == rows.num_rows
    assert counts.whole.columns["fare"].total == rows.num_rows


def test_versions_of_other_columns_are_counted_apart(bigquery, taxi, small_baseline):
    fewer = {name: column for name, column in small_baseline.columns.items() if name != "fare"}
    pairs = tuple(pair for pair in small_baseline.pairs if "fare" not in (pair.left, pair.right))
    without_fare = dataclasses.replace(small_baseline, columns=fewer, pairs=pairs)
    text_fare = dataclasses.replace(
        small_baseline.columns["fare"], bins=Bins(kind="category", values=("12.45",))
    )
    retyped = dataclasses.replace(
        small_baseline, columns={**small_baseline.columns, "fare": text_fare}, pairs=()
    )
    versions = {"1": small_baseline, "2": without_fare, "3": retyped}
    rows, scores = taxi.rows.slice(0, 90), taxi.scores[:90]
    requests = [
        request
        for version in versions
        for request in request_logs.requests_of(rows, scores, version=version)
    ]

    counts = count(bigquery, requests, versions)

    for version, baseline in versions.items():
        expected = counting.profile(baseline, rows, scores)
        assert whole_numbers(counts[version].whole) == whole_numbers(expected)


@pytest.fixture
def layout(taxi_baseline, flights_baseline):
    return Layout({"1": taxi_baseline, "2": flights_baseline})


@pytest.fixture
def log():
    modes = {name: mode for name, _, mode in request_logs.COLUMNS}
    return log_tables.LogTable(name="demo.log.requests", modes=modes)


def test_the_statement_is_of_bigquery_s_dialect(log, layout):
    text = statement.text(log, request_logs.DAY, layout)

    [tree] = sqlglot.parse(text, read="bigquery", error_level=sqlglot.ErrorLevel.RAISE)

    unknown_functions = {node.name for node in tree.find_all(sqlglot.exp.Anonymous)}
    assert unknown_functions <= {"GENERATE_ARRAY"}


def test_the_statement_reads_the_raw_table_once(log, layout):
    text = statement.text(log, request_logs.DAY, layout)
    assert text.count("`demo.log.requests`") == 1


def test_the_statement_bounds_the_partitions_by_literals(log, layout):
    text = statement.text(log, request_logs.DAY, layout)
    assert "logging_time >= TIMESTAMP '2026-11-20 00:00:00+00'" in text
    assert "logging_time < TIMESTAMP '2026-11-21 00:00:00+00'" in text


def wide(baseline, columns):
    """A baseline of so many columns like the fare."""
    fare = baseline.columns["fare"]
    names = [f"column_{number}" for number in range(columns)]
    return dataclasses.replace(baseline, columns=dict.fromkeys(names, fare), pairs=())


def test_a_hundred_columns_of_three_versions_fit_into_a_statement(log, taxi_baseline):
    versions = {str(number): wide(taxi_baseline, 98 + number) for number in range(3)}
    text = statement.text(log, request_logs.DAY, Layout(versions))
    assert len(text.encode()) < statement.MAXIMUM_BYTES


def test_too_long_a_statement_is_refused_in_one_sentence(log, taxi_baseline):
    layout = Layout({"1": wide(taxi_baseline, 2000)})
    with pytest.raises(RunError, match=r"allowed are BigQuery's 1,000,000: 2000 columns of 1 ver"):
        statement.text(log, request_logs.DAY, layout)


def renamed(baseline, name):
    """A baseline whose only column is the fare by another name."""
    return dataclasses.replace(baseline, columns={name: baseline.columns["fare"]}, pairs=())


@pytest.mark.parametrize("name", ["trip fare", "café", "fare's", "a.b", "select"])
def test_a_column_of_any_name_is_counted(bigquery, taxi, taxi_baseline, name):
    fares = taxi.rows["fare"].slice(0, 20).to_pylist()
    requests = [request_logs.Request(questions=[json.dumps({name: fare})]) for fare in fares]

    counts = count(bigquery, requests, {"1": renamed(taxi_baseline, name)})

    expected = counting.column_counts(taxi_baseline.columns["fare"].bins, pa.array(fares))
    assert counts["1"].whole.columns[name].bins == expected.bins


def test_a_column_that_no_path_can_name_is_refused(log, taxi_baseline):
    layout = Layout({"1": renamed(taxi_baseline, 'a"b')})
    with pytest.raises(RunError, match="allowed are names without a quotation mark"):
        statement.text(log, request_logs.DAY, layout)


def test_no_value_of_a_personal_column_is_in_statement_or_answer(bigquery, taxi, small_baseline):
    rows, scores = taxi.rows.slice(0, ROWS), taxi.scores[:ROWS]
    name = request_logs.log(bigquery, request_logs.requests_of(rows, scores))
    log = log_tables.described(bigquery, name)
    text = statement.text(log, request_logs.DAY, Layout({"1": small_baseline}))

    answer = str([dict(row) for row in bigquery.query(text).result()])

    companies = set(taxi.rows["company"].drop_null().to_pylist())
    assert [company for company in companies if company in text + answer] == []


def test_a_single_personal_number_can_t_be_computed_from_an_answer(bigquery, taxi_baseline):
    fare = dataclasses.replace(
        taxi_baseline.columns["fare"], personal=True, bins=Bins(kind="number")
    )
    baseline = dataclasses.replace(taxi_baseline, columns={"fare": fare}, pairs=())
    requests = [request_logs.Request(questions=['{"fare": 12.25}'], answers=["0.5"])]

    counts = count(bigquery, requests, {"1": baseline})

    rows = pa.table({"fare": [12.25]})
    assert counts["1"].whole == counting.profile(baseline, rows, [0.5])
    assert counts["1"].whole.columns["fare"].log_sum == 0
