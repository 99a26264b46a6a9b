"""Whatever a log holds, faults are told: no counts make the rules fail, or tell a column twice."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.baseline import compose
from pipeline.baseline.profile import ColumnCounts, Profile
from pipeline.monitoring.judging import faults
from tests.pipeline.monitoring.samples import Settings

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
    return compose.compose(
        made_rows(),
        times=None,
        settings=Settings(),
        scores=np.full(10, 0.5),
        labels=np.zeros(10),
        importances={},
        slices=(),
        schema=SCHEMA,
        model="any",
        digest="sha256:" + "0" * 64,
    )


@st.composite
def column_counts(draw, column):
    bins = draw(st.lists(COUNTS, min_size=column.bins.count, max_size=column.bins.count))
    numbers = sum(bins) if column.bins.kind == "number" else 0
    positive = draw(st.integers(0, numbers))
    mean = draw(LOGARITHMS)
    return ColumnCounts(
        bins=tuple(bins),
        missing=draw(COUNTS),
        mistyped=draw(COUNTS),
        whole=draw(st.integers(0, numbers)),
        positive=positive,
        log_sum=positive * mean,
        log_square_sum=positive * (mean**2 + draw(st.floats(0, 10))),
        distinct=draw(COUNTS),
        other_values=draw(st.dictionaries(st.text(max_size=5), st.integers(1, 3000), max_size=3)),
    )


@st.composite
def profiles(draw, baseline):
    instances = draw(COUNTS)
    columns = {name: draw(column_counts(column)) for name, column in baseline.columns.items()}
    cells = {
        pair.name: tuple(draw(COUNTS) for _ in baseline.reference.pairs[pair.name])
        for pair in baseline.pairs
    }
    return Profile(
        instances=instances,
        requests=draw(st.integers(0, instances)),
        request_squares=draw(st.integers(instances, instances**2)),
        unparsable=draw(COUNTS),
        foreign=draw(COUNTS),
        unanswered=draw(COUNTS),
        columns=columns,
        scores=(0,) * 50,
        pairs=cells,
    )


@given(data=st.data())
@settings(max_examples=60)
def test_no_column_is_told_twice(baseline, data):
    window = data.draw(profiles(baseline))

    findings = faults.findings(baseline, window, [window])

    names = [name for finding in findings for name in finding.columns]
    assert len(names) == len(set(names))


def test_the_baseline_has_pairs(baseline):
    assert baseline.pairs
