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


def component(query="SELECT 1 AS n", required=()):
    return BigQueryExampleGen(BigQuerySource(query), required=list(required))


def asked(component):
    [split] = json.loads(component.spec.exec_properties["input_config"])["splits"]
    return split["pattern"]


class FromHere(Executor):
    """The executor, its rows from this machine.

    Beam's ReadFromBigQuery knows no address but Google's.
    """

    def GetInputSourceToExamplePTransform(self):
        @beam.ptransform_fn
        def rows(pipeline, exec_properties, split_pattern):
            numbered = [
                tf.train.Example(features={"feature": {"n": {"int64_list": {"value": [n]}}}})
                for n in range(300)
            ]
            return pipeline | beam.Create(numbered)

        return rows


def test_rows_without_a_required_column_are_not_asked_for():
    query = "SELECT tips FROM `t` -- a comment\n;\n"

    assert asked(component(query, ["tips", "fare"])) == (
        "SELECT * FROM (\nSELECT tips FROM `t` -- a comment\n\n) WHERE `tips` IS NOT NULL AND "
        "`fare` IS NOT NULL"
    )


def test_where_no_column_is_required_every_row_is_asked_for():
    assert asked(component()) == "SELECT * FROM (\nSELECT 1 AS n\n) WHERE TRUE"


def test_the_examples_carry_the_query_and_two_rows_in_three_are_trained_on(tmp_path):
    examples = standard_artifacts.Examples()
    examples.uri = str(tmp_path)
    context = BaseBeamExecutor.Context(beam_pipeline_args=[], tmp_dir=str(tmp_path), unique_id="1")

    FromHere(context).Do({}, {"examples": [examples]}, component().spec.exec_properties)

    rows = {split: len(list(records(tmp_path / f"Split-{split}"))) for split in ("train", "eval")}
    assert json.loads(examples.get_string_custom_property("query"))["splits"][0][
        "pattern"
    ] == asked(component())
    assert sum(rows.values()) == 300 and 1.5 < rows["train"] / rows["eval"] < 2.7
    assert json.loads(examples.split_names) == ["train", "eval"]


def records(folder):
    return tf.data.TFRecordDataset(tf.io.gfile.glob(f"{folder}/*"), compression_type="GZIP")


@pytest.mark.parametrize("model", ["ferry", "cab"])
def test_a_compiled_job_keys_on_the_query_and_on_the_components_source(model):
    cloud_spec = spec.cloud(
        ModelFolder.load(model),
        ENVIRONMENTS["dev"],
        image=IMAGE,
        serving_image=IMAGE,
        end=date(2026, 11, 24),
    )

    task = compiler.compiled(cloud_spec, IMAGE)["pipelineSpec"]["root"]["dag"]["tasks"][
        "BigQueryExampleGen"
    ]

    parameters = {
        name: value["runtimeValue"]["constant"]
        for name, value in task["inputs"]["parameters"].items()
    }
    assert set(parameters) == {
        "input_config",
        "output_config",
        "output_data_format",
        "output_file_format",
        "source_sha256",
    }
    assert parameters["source_sha256"] == source_sha256("components/bigquery_example_gen.py")
    [split, *_] = json.loads(parameters["input_config"])["splits"]
    assert 'TIMESTAMP("2026-11-24")' in split["pattern"]
