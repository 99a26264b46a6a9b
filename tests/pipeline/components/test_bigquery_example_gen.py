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

IMAGE = "us-central1-docker.pkg.dev/p/r/pipeline@sha256:" + "0123456789abcdef" * 4


def properties(query="SELECT 1 AS n", required=()):
    """What the component hands to its executor."""
    source = BigQuerySource(query)
    component = BigQueryExampleGen(source, required=list(required))
    return component.spec.exec_properties


def query_of(input_config):
    [split] = json.loads(input_config)["splits"]
    return split["pattern"]


def example(number):
    feature = {"int64_list": {"value": [number]}}
    return tf.train.Example(features={"feature": {"n": feature}})


class FromHere(Executor):
    """The executor, its rows from this machine.

    Beam's ReadFromBigQuery knows no address but Google's.
    """

    def GetInputSourceToExamplePTransform(self):
        @beam.ptransform_fn
        def rows(pipeline, exec_properties, split_pattern):
            numbered = [example(number) for number in range(300)]
            return pipeline | beam.Create(numbered)

        return rows


def test_rows_without_a_required_column_are_not_asked_for():
    query = "SELECT tips FROM `t` -- a comment\n;\n"

    input_config = properties(query, ["tips", "fare"])["input_config"]

    assert query_of(input_config) == (
        "SELECT * FROM (\nSELECT tips FROM `t` -- a comment\n\n) WHERE `tips` IS NOT NULL AND "
        "`fare` IS NOT NULL"
    )


def test_where_no_column_is_required_every_row_is_asked_for():
    input_config = properties()["input_config"]

    assert query_of(input_config) == "SELECT * FROM (\nSELECT 1 AS n\n) WHERE TRUE"


def test_the_examples_carry_the_query_and_two_rows_in_three_are_trained_on(tmp_path):
    examples = standard_artifacts.Examples()
    examples.uri = str(tmp_path)
    context = BaseBeamExecutor.Context(beam_pipeline_args=[], tmp_dir=str(tmp_path), unique_id="1")
    exec_properties = properties()
    expected_query = query_of(exec_properties["input_config"])

    FromHere(context).Do({}, {"examples": [examples]}, exec_properties)

    input_config = examples.get_string_custom_property("query")
    train_rows = row_count(tmp_path / "Split-train")
    eval_rows = row_count(tmp_path / "Split-eval")
    ratio = train_rows / eval_rows
    assert query_of(input_config) == expected_query
    assert train_rows + eval_rows == 300
    assert 1.5 < ratio < 2.7
    assert json.loads(examples.split_names) == ["train", "eval"]


def row_count(folder):
    files = tf.io.gfile.glob(f"{folder}/*")
    records = tf.data.TFRecordDataset(files, compression_type="GZIP")
    return len(list(records))


def constants(task):
    """The parameters of a compiled task."""
    values = {}
    for name, parameter in task["inputs"]["parameters"].items():
        value = parameter["runtimeValue"]
        values[name] = value["constant"]
    return values


@pytest.mark.parametrize("model", ["ferry", "cab"])
def test_a_compiled_job_keys_on_the_query_and_on_the_components_source(model):
    folder = ModelFolder.load(model)
    settings = ENVIRONMENTS["dev"]
    end = date(2026, 11, 24)
    cloud_spec = spec.cloud(folder, settings, image=IMAGE, serving_image=IMAGE, end=end)

    job = compiler.compiled(cloud_spec, IMAGE)

    dag = job["pipelineSpec"]["root"]["dag"]
    tasks = dag["tasks"]
    parameters = constants(tasks["BigQueryExampleGen"])
    query = query_of(parameters["input_config"])
    assert set(parameters) == {
        "input_config",
        "output_config",
        "output_data_format",
        "output_file_format",
        "source_sha256",
    }
    expected_sha256 = source_sha256("components/bigquery_example_gen.py")
    assert parameters["source_sha256"] == expected_sha256
    assert 'TIMESTAMP("2026-11-24")' in query
