"""BigQueryExampleGen, as far as it can be tried without BigQuery.

What it asks, what it leaves, and what its cache keys on.
"""

import json
from datetime import date

import apache_beam as beam
import pytest
import tensorflow as tf
from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor
from tfx.types import standard_artifacts

from environments import ENVIRONMENTS
from pipeline import spec
from pipeline.components.bigquery_example_gen import BigQueryExampleGen, Executor
from pipeline.components.cache_key import source_sha256
from pipeline.job import compiler
from pipeline.model.folder import ModelFolder
from pipeline.spec import BigQuerySource
from tests.pipeline.conftest import IMAGE


def properties(query="SELECT 1 AS n", required=()):
    """What the executor gets of a component with that query."""
    source = BigQuerySource(query)
    component = BigQueryExampleGen(source, required=list(required))
    return component.spec.exec_properties


def query_in(input_config):
    """The query of an input configuration's only split."""
    config = json.loads(input_config)
    [split] = config["splits"]
    return split["pattern"]


def asked_query(*arguments):
    """The query that a component asks."""
    input_config = properties(*arguments)["input_config"]
    return query_in(input_config)


class FromHere(Executor):
    """The executor, its rows from this machine.

    Beam's ReadFromBigQuery knows no address but Google's.
    """

    def GetInputSourceToExamplePTransform(self):
        @beam.ptransform_fn
        def rows(pipeline, exec_properties, split_pattern):
            numbered = [example(n) for n in range(300)]
            return pipeline | beam.Create(numbered)

        return rows


def example(n):
    return tf.train.Example(features={"feature": {"n": {"int64_list": {"value": [n]}}}})


def test_rows_without_a_required_column_are_not_asked_for():
    query = "SELECT tips FROM `t` -- a comment\n;\n"

    assert asked_query(query, ["tips", "fare"]) == (
        "SELECT * FROM (\nSELECT tips FROM `t` -- a comment\n\n) WHERE `tips` IS NOT NULL AND "
        "`fare` IS NOT NULL"
    )


def test_where_no_column_is_required_every_row_is_asked_for():
    assert asked_query() == "SELECT * FROM (\nSELECT 1 AS n\n) WHERE TRUE"


def test_the_examples_carry_the_query_and_two_rows_in_three_are_trained_on(tmp_path):
    examples = standard_artifacts.Examples()
    examples.uri = str(tmp_path)
    context = BaseBeamExecutor.Context(beam_pipeline_args=[], tmp_dir=str(tmp_path), unique_id="1")
    executor = FromHere(context)

    executor.Do({}, {"examples": [examples]}, properties())

    trained_rows = row_count(tmp_path / "Split-train")
    held_out_rows = row_count(tmp_path / "Split-eval")
    input_config = examples.get_string_custom_property("query")
    split_names = json.loads(examples.split_names)
    assert query_in(input_config) == asked_query()
    assert trained_rows + held_out_rows == 300
    assert 1.5 < trained_rows / held_out_rows < 2.7
    assert split_names == ["train", "eval"]


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
        "source_sha256",
    }
    sha256 = source_sha256("components/bigquery_example_gen.py")
    query = query_in(parameters["input_config"])
    assert parameters["source_sha256"] == sha256
    assert 'TIMESTAMP("2026-11-24")' in query


def constants(task):
    """The values of a task's parameters."""
    parameters = task["inputs"]["parameters"]
    return {name: value["runtimeValue"]["constant"] for name, value in parameters.items()}
