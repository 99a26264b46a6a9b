"""Whatever a log holds, faults are told: no counts make the rules fail, or tell a column twice."""

from itertools import chain

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.baseline.profile import SCORE_BINS, ColumnCounts, Profile
from pipeline.monitoring.judging import faults
from tests.pipeline.monitoring.samples import small_baseline
from tests.pipeline.monitoring.windows import verdict

ROWS = 2000
SCHEMA = {
    "price": "FLOAT",
    "miles": "FLOAT",
    "seats": "INT",
    "nothing": "FLOAT",
    "one": "INT",
    "kind": "BYTES",
    "empty": "BYTES",
}
COUNTS = st.integers(0, 3000)
LOGARITHMS = st.floats(-700, 700)
VARIANCES = st.floats(0, 10)
OTHER_VALUES = st.dictionaries(st.text(max_size=5), st.integers(1, 3000), max_size=3)


def made_rows():
    random = np.random.default_rng(3)
    miles = random.gamma(2, 3, ROWS)
    return pa.table(
        {
            "price": 3 + miles * 2,
            "miles": miles,
            "seats": random.integers(0, 5, ROWS),
            "nothing": pa.nulls(ROWS, pa.float64()),
            "one": np.ones(ROWS, np.int64),
            "kind": random.choice(["van", "bus", "cab"], ROWS),
            "empty": pa.nulls(ROWS, pa.string()),
        }
    )


@pytest.fixture(scope="module")
def baseline():
    return small_baseline(made_rows(), SCHEMA)


def lists(size):
    """Counts of so many bins or cells."""
    return st.lists(COUNTS, min_size=size, max_size=size)


@st.composite
def column_counts(draw, column):
    bins = draw(lists(column.bins.count))
    numbers = sum(bins) if column.bins.kind == "number" else 0
    part_of_numbers = st.integers(0, numbers)
    positive = draw(part_of_numbers)
    mean = draw(LOGARITHMS)
    variance = draw(VARIANCES)
    return ColumnCounts(
        bins=tuple(bins),
        missing=draw(COUNTS),
        mistyped=draw(COUNTS),
        whole=draw(part_of_numbers),
        positive=positive,
        log_sum=positive * mean,
        log_square_sum=positive * (mean**2 + variance),
        distinct=draw(COUNTS),
        other_values=draw(OTHER_VALUES),
    )


@st.composite
def profiles(draw, baseline):
    instances = draw(COUNTS)
    requests = st.integers(0, instances)
    request_squares = st.integers(instances, instances**2)
    columns = {name: column_counts(column) for name, column in baseline.columns.items()}
    pairs = {name: lists(len(cells)) for name, cells in baseline.reference.pairs.items()}
    return Profile(
        instances=instances,
        requests=draw(requests),
        request_squares=draw(request_squares),
        unparsable=draw(COUNTS),
        foreign=draw(COUNTS),
        unanswered=draw(COUNTS),
        columns=draw(st.fixed_dictionaries(columns)),
        scores=(0,) * SCORE_BINS,
        pairs=draw(st.fixed_dictionaries(pairs)),
    )


@given(data=st.data())
@settings(max_examples=60)
def test_no_column_is_told_twice(baseline, data):
    window = data.draw(profiles(baseline))

    findings = faults.findings(baseline, window, [window])

    columns = [finding.columns for finding in findings]
    names = list(chain.from_iterable(columns))
    assert len(names) == len(set(names))


@given(data=st.data())
@settings(max_examples=30)
def test_each_window_has_a_verdict(baseline, data):
    window = data.draw(profiles(baseline))

    judged = verdict(baseline, window, [window])

    assert judged.sentence


def test_the_baseline_has_pairs(baseline):
    assert baseline.pairs
