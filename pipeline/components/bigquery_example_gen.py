"""Ingests from BigQuery in the cloud.

The stock executor here also drops rows without a required column, and leaves a fingerprint.
"""

from typing import Any

from tfx import types
from tfx.components.example_gen import driver, utils
from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.extensions.google_cloud_big_query.example_gen import executor
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils, component_spec, standard_artifacts, standard_component_specs

from pipeline.components.cache_key import source_sha256
from pipeline.spec import BigQuerySource


class BigQueryExampleGenSpec(standard_component_specs.QueryBasedExampleGenSpec):
    # Not in custom_config, where the stock component has room: its executor hands that to Beam's
    # ReadFromBigQuery as keywords.
    PARAMETERS = {
        **standard_component_specs.QueryBasedExampleGenSpec.PARAMETERS,
        "source_sha256": component_spec.ExecutionParameter(type=str),
    }


class Executor(executor.Executor):
    def Do(self, input_dict: Any, output_dict: Any, exec_properties: dict[str, Any]) -> None:
        super().Do(input_dict, output_dict, exec_properties)
        examples = artifact_utils.get_single_instance(output_dict["examples"])
        examples.set_string_custom_property("query", exec_properties["input_config"])


class BigQueryExampleGen(base_beam_component.BaseBeamComponent):
    """Examples of the splits train and eval, 2:1 by a hash of the row.

    Their property is the query, with its window written out in it.
    """

    SPEC_CLASS = BigQueryExampleGenSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)
    DRIVER_CLASS = driver.QueryBasedDriver

    def __init__(self, source: BigQuerySource, *, required: list[str]) -> None:
        query = _query_of_complete_rows(source.query, required)
        input_config = utils.make_default_input_config(query)
        output_config = utils.make_default_output_config(input_config)
        spec = BigQueryExampleGenSpec(
            input_config=input_config,
            output_config=output_config,
            output_data_format=example_gen_pb2.FORMAT_TF_EXAMPLE,
            output_file_format=example_gen_pb2.FORMAT_TFRECORDS_GZIP,
            source_sha256=source_sha256("components/bigquery_example_gen.py"),
            examples=types.Channel(type=standard_artifacts.Examples),
        )
        super().__init__(spec)


def _query_of_complete_rows(query: str, required: list[str]) -> str:
    """The query's rows without a NULL in a required column."""
    conditions = [f"`{column}` IS NOT NULL" for column in required]
    condition = " AND ".join(conditions) or "TRUE"
    inner_query = query.rstrip().rstrip(";")
    return f"SELECT * FROM (\n{inner_query}\n) WHERE {condition}"
