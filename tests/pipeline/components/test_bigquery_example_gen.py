"""BigQueryExampleGen, as far as it can be tried without BigQuery.

What it asks, what it leaves, and what its cache keys on.
"""

import itertools
import json
from datetime import date
from pathlib import Path

import apache_beam as beam
import pytest
import tensorflow as tf
from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor
from tfx.types import standard_artifacts

from environments import ENVIRONMENTS
from pipeline import spec
from pipeline.components import data_window
from pipeline.components.bigquery_example_gen import BigQueryExampleGen, Executor
from pipeline.components.cache_key import source_sha256
from pipeline.errors import DataError
from pipeline.job import compiler
from pipeline.model.folder import ModelFolder
from pipeline.model.window import Window
from pipeline.spec import BigQuerySource
from tests.pipeline.conftest import IMAGE

WINDOW = Window(date(2014, 5, 1), date(2014, 6, 1))


def properties(query="SELECT 1 AS n", required=(), **source_fields):
    """The executor's properties from a component with this query."""
    source = BigQuerySource(query, project="mill-dev", location="US", **source_fields)
    component = BigQueryExampleGen(source, required=list(required))
    return component.spec.exec_properties


def query_in(input_config):
    """The query of an input configuration's only split."""
    config = json.loads(input_config)
    [split] = config["splits"]
    return split["pattern"]


def asked_query(*arguments):
    """The query of a component with these arguments."""
    input_config = properties(*arguments)["input_config"]
    return query_in(input_config)


class FromHere(Executor):
    """The executor, its rows from this machine.

    Beam's ReadFromBigQuery knows no address but Google's.
    """

    rows = ()

    def GetInputSourceToExamplePTransform(self):
        @beam.ptransform_fn
        def source(pipeline, exec_properties, split_pattern):
            return pipeline | beam.Create(self.rows)

        return source


def example(n, tips=1.0):
    """A row as the stock executor makes it: a NULL is a feature of no kind."""
    tips_feature = {} if tips is None else {"float_list": {"value": [tips]}}
    feature = {"n": {"int64_list": {"value": [n]}}, "tips": tips_feature}
    return tf.train.Example(features={"feature": feature})


@pytest.fixture
def ingest(tmp_path):
    """Ingest rows into a new folder; return the examples."""
    folders = itertools.count()

    def call(rows, **changes):
        examples = standard_artifacts.Examples()
        examples.uri = str(tmp_path / str(next(folders)))
        context = BaseBeamExecutor.Context(
            beam_pipeline_args=[], tmp_dir=str(tmp_path), unique_id="1"
        )
        executor = FromHere(context)
        executor.rows = rows
        windowed = properties(required=["tips"], time_column="n", window=WINDOW)
        executor.Do({}, {"examples": [examples]}, windowed | changes)
        return examples

    return call


def test_the_query_is_asked_within_another_one():
    query = "SELECT tips FROM `t` -- a comment"

    assert asked_query(query) == "SELECT * FROM (\nSELECT tips FROM `t` -- a comment\n)"


def test_the_examples_carry_the_query_and_two_rows_in_three_are_trained_on(ingest):
    examples = ingest([example(n) for n in range(300)])

    trained_rows = row_count(f"{examples.uri}/Split-train")
    held_out_rows = row_count(f"{examples.uri}/Split-eval")
    input_config = examples.get_string_custom_property("query")
    split_names = json.loads(examples.split_names)
    assert query_in(input_config) == asked_query()
    assert trained_rows + held_out_rows == 300
    assert 1.5 < trained_rows / held_out_rows < 2.7
    assert split_names == ["train", "eval"]


def test_rows_without_a_required_column_are_dropped_and_counted(ingest):
    rows = [example(n) for n in range(200)]
    incomplete_rows = [example(n, tips=None) for n in range(7)]

    examples = ingest([*rows, *incomplete_rows])

    written_rows = sum(row_count(f"{examples.uri}/Split-{name}") for name in ("train", "eval"))
    assert examples.get_int_custom_property("rows") == 200
    assert examples.get_int_custom_property("rows_dropped") == 7
    assert written_rows == 200


def test_equal_rows_have_one_digest_in_whatever_order_they_come(ingest):
    rows = [example(n) for n in range(30)]
    other_rows = [*rows[1:], example(30)]

    examples = ingest(rows)
    reordered_examples = ingest(rows[::-1])
    other_examples = ingest(other_rows)

    digest = examples.get_string_custom_property("digest")
    assert len(digest) == 64
    assert reordered_examples.get_string_custom_property("digest") == digest
    assert other_examples.get_string_custom_property("digest") != digest


def test_the_same_rows_make_the_same_files_in_whatever_order_they_come(ingest):
    rows = [example(n) for n in range(300)]

    examples = ingest(rows)
    reordered_examples = ingest(rows[::-1])

    assert bytes_of(examples) == bytes_of(reordered_examples)


def bytes_of(examples):
    """The content of each file of the splits."""
    files = sorted(Path(examples.uri).glob("Split-*/*"))
    return [file.read_bytes() for file in files]


def test_the_examples_carry_when_the_tables_were_modified(ingest):
    examples = ingest([example(1)], tables='{"p.d.t": "2026-11-27"}')

    assert examples.get_string_custom_property("tables") == '{"p.d.t": "2026-11-27"}'


def test_the_examples_carry_their_window_and_the_times_of_their_rows(ingest):
    dropped = example(1399000000, tips=None)
    times = [1399000001, 1401000000, 10**15, 1400000000]

    examples = ingest([dropped, *map(example, times)])

    assert data_window.read(examples) == {
        "begin": "2014-05-01",
        "end": "2014-06-01",
        "first": "2014-05-02T03:06:41Z",
        "last": "2014-05-25T06:40:00Z",
        "rows_without_time": 1,
    }


def test_without_a_time_column_the_examples_carry_the_window_alone(ingest):
    examples = ingest([example(1)], time_column="null")

    assert data_window.read(examples) == {
        "begin": "2014-05-01",
        "end": "2014-06-01",
        "first": None,
        "last": None,
        "rows_without_time": None,
    }


@pytest.mark.parametrize(("rows", "count"), [([], 0), ([example(1, tips=None)], 1)])
def test_a_query_that_leaves_no_row_is_refused(ingest, rows, count):
    sentence = rf'no row is left of {count}, allowed are rows with \["tips"\] in its window'

    with pytest.raises(DataError, match=sentence):
        ingest(rows)


@pytest.mark.parametrize("number", [float("nan"), float("-inf"), 1e39])
def test_a_number_that_serving_refuses_is_refused(ingest, number):
    sentence = r"query\.sql: the column tips holds NaN, .* in 2 rows, allowed is a finite number"

    with pytest.raises(DataError, match=sentence):
        ingest([example(1), example(2, tips=number), example(3, tips=number)])


def row_count(folder):
    files = tf.io.gfile.glob(f"{folder}/*")
    dataset = tf.data.TFRecordDataset(files, compression_type="GZIP")
    records = list(dataset)
    return len(records)


@pytest.mark.parametrize("model", ["ferry", "cab"])
def test_a_compiled_job_keys_on_the_query_and_on_the_components_source(model):
    folder = ModelFolder.load(model)
    dev = ENVIRONMENTS["dev"]
    end = date(2026, 11, 24)
    cloud_spec = spec.cloud(folder, dev, image=IMAGE, serving_image=IMAGE, end=end)

    job = compiler.compiled(cloud_spec, IMAGE)

    tasks = job["pipelineSpec"]["root"]["dag"]["tasks"]
    parameters = constants(tasks["BigQueryExampleGen"])
    assert set(parameters) == {
        "input_config",
        "output_config",
        "output_data_format",
        "output_file_format",
        "project",
        "location",
        "required",
        "tables",
        "time_column",
        "window",
        "source_sha256",
    }
    sha256 = source_sha256(
        "baseline/times.py",
        "components/bigquery_example_gen.py",
        "components/data_window.py",
        "components/row_order.py",
        "components/table_times.py",
        "model/sql.py",
        "model/time_span.py",
        "serving/numbers.py",
    )
    query = query_in(parameters["input_config"])
    begin, end = json.loads(parameters["window"])
    assert parameters["source_sha256"] == sha256
    assert f'TIMESTAMP("{begin}")' in query
    assert end == "2026-11-24"
    assert 'TIMESTAMP("2026-11-24")' in query


def constants(task):
    """The values of a task's parameters."""
    parameters = task["inputs"]["parameters"]
    return {name: value["runtimeValue"]["constant"] for name, value in parameters.items()}
