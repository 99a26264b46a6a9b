"""A window of a CSV's rows, by their times: which rows it takes, refuses and tells."""

from datetime import UTC, date, datetime, timedelta

import pyarrow.csv
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from tfx.types import standard_artifacts

from pipeline.components.csv_example_gen import CsvExampleGen, Executor
from pipeline.components.data_window import read
from pipeline.errors import DataError
from pipeline.model.window import Window
from pipeline.spec import CsvSource

MAY = Window(date(2014, 5, 1), date(2014, 6, 1))
KINDS = {"when": "BYTES", "fare": "INT"}
TIMES = [
    "2014-04-30T23:59:59Z",
    "2014-05-01T00:00:00Z",
    "2014-05-20 12:00",
    "2014-06-01T01:00:00+02:00",
    "2014-06-01T00:00:00Z",
]


@pytest.fixture
def ingest(tmp_path):
    """Ingest rows of a time and a fare, their number; return the examples."""

    def call(values, window=None, kinds=KINDS):
        file = tmp_path / "rows.csv"
        lines = [f"{value},{number}" for number, value in enumerate(values)]
        file.write_text("\n".join(["when,fare", *lines]))
        source = CsvSource(str(file), "", ("",), time_column="when", window=window)
        return ingested(source, tmp_path / "examples", kinds)

    return call


def ingested(source, place, kinds=KINDS):
    component = CsvExampleGen(source, columns=kinds, required=["fare"])
    examples = standard_artifacts.Examples()
    examples.uri = str(place)
    Executor().Do({}, {"examples": [examples]}, component.exec_properties)
    return examples


def fares(examples, split="*"):
    """The numbers of a split's rows."""
    files = tf.io.gfile.glob(f"{examples.uri}/Split-{split}/*")
    records = tf.data.TFRecordDataset(files, compression_type="GZIP").as_numpy_iterator()
    rows = map(tf.train.Example.FromString, records)
    return {row.features.feature["fare"].int64_list.value[0] for row in rows}


def digest(examples):
    return examples.get_string_custom_property("digest")


def test_a_window_takes_its_days_in_utc_and_not_the_day_of_its_end(ingest):
    examples = ingest(TIMES, MAY)

    assert fares(examples) == {1, 2, 3}
    assert examples.get_int_custom_property("rows") == 3
    assert read(examples) == {
        "begin": "2014-05-01",
        "end": "2014-06-01",
        "first": "2014-05-01T00:00:00Z",
        "last": "2014-05-31T23:00:00Z",
        "rows_without_time": 0,
    }


def test_seconds_since_the_epoch_are_times_too(ingest):
    seconds = [1398902399, 1398902400, 1401580799, 1401580800]

    examples = ingest(seconds, MAY, {"when": "INT", "fare": "INT"})

    assert fares(examples) == {1, 2}


def test_without_a_window_all_rows_are_taken_and_those_without_a_time_counted(ingest):
    examples = ingest([*TIMES, "", "noon"])

    assert fares(examples) == set(range(7))
    assert read(examples) == {
        "begin": None,
        "end": None,
        "first": "2014-04-30T23:59:59Z",
        "last": "2014-06-01T00:00:00Z",
        "rows_without_time": 2,
    }


@pytest.mark.parametrize(
    ("values", "kind", "sentence"),
    [
        (["2014-05-02", "noon", ""], "BYTES", "when holds no time in 2 of 3 rows, .* row 3 .*noon"),
        (["2014-05-02", "2014-02-30"], "BYTES", "in 1 of 2 rows, .* row 3 .*'2014-02-30'"),
        ([1400000400, 1400000400000], "INT", "in 1 of 2 rows, .* row 3 .* 1400000400000: allowed"),
        (
            ["1400000400", ""],
            "INT",
            "in 1 of 2 rows, .* row 3 .* an empty cell: allowed in a window",
        ),
        (TIMES[:1], "BYTES", r"no row lies in the window from 2014-05-01 to 2014-06-01: .* from "),
        (["1400000400", "noon"], "INT", "the column when holds noon in row 3"),
    ],
)
def test_times_that_leave_no_window_are_refused_in_one_sentence(values, kind, sentence, ingest):
    with pytest.raises(DataError, match=rf"rows\.csv: .*({sentence})") as refused:
        ingest(values, MAY, {"when": kind, "fare": "INT"})

    assert "\n" not in str(refused.value)


def test_another_window_has_another_fingerprint_and_the_same_one_the_same(ingest):
    values = [f"2014-05-{day:02}" for day in range(1, 21)]
    early = Window(date(2014, 5, 1), date(2014, 5, 11))

    first_digest = digest(ingest(values, early))
    second_digest = digest(ingest(values, early))
    other_digest = digest(ingest(values, MAY))

    assert second_digest == first_digest
    assert other_digest != first_digest


def test_the_cache_keys_on_window_and_time_column():
    source = CsvSource("rows.csv", "", ("",), time_column="when", window=MAY)
    component = CsvExampleGen(source, columns=KINDS, required=[])

    properties = component.exec_properties
    assert properties["window"] == '["2014-05-01", "2014-06-01"]'
    assert properties["time_column"] == '"when"'


days = st.integers(0, 30)


@settings(max_examples=30)
@given(hours=st.sets(st.integers(0, 719), min_size=10, max_size=60), ends=st.tuples(days, days))
def test_a_row_is_held_out_in_every_window_or_in_none(hours, ends, tmp_path_factory):
    place = tmp_path_factory.mktemp("windows")
    start = datetime(2014, 5, 1, tzinfo=UTC)
    whens = [f"{start + timedelta(hours=hour):%Y-%m-%dT%H:%M:%SZ}" for hour in hours]
    table = pyarrow.table({"when": whens, "fare": sorted(hours)})
    pyarrow.csv.write_csv(table, place / "rows.csv")
    everything = CsvSource(str(place / "rows.csv"), "", ("",), time_column="when")

    whole = ingested(everything, place / "whole")
    held_out = fares(whole, "eval")

    for end in ends:
        window = Window(date(2014, 4, 21), date(2014, 5, 1) + timedelta(days=end))
        source = CsvSource(everything.path, "", ("",), time_column="when", window=window)
        try:
            windowed = ingested(source, place / str(end))
        except DataError:
            continue  # no row lies in it
        assert fares(windowed, "eval") == held_out & fares(windowed)
