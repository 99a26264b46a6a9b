"""Ingests from BigQuery in the cloud: the stock component, which also drops rows without a required column and leaves a fingerprint."""

from typing import Any

from tfx.dsl.components.base import executor_spec
from tfx.extensions.google_cloud_big_query.example_gen import component, executor
from tfx.types import artifact_utils

from pipeline.spec import BigQuerySource


class Executor(executor.Executor):
    def Do(self, input_dict: Any, output_dict: Any, exec_properties: dict[str, Any]) -> None:
        super().Do(input_dict, output_dict, exec_properties)
        examples = artifact_utils.get_single_instance(output_dict["examples"])
        examples.set_string_custom_property("query", exec_properties["input_config"])


class BigQueryExampleGen(component.BigQueryExampleGen):
    """Examples of the splits train and eval (2:1 by a hash of the row), with the query, its window written out in it, as property."""

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)

    def __init__(self, source: BigQuerySource, *, required: list[str]) -> None:
        present = " AND ".join(f"`{column}` IS NOT NULL" for column in required) or "TRUE"
        super().__init__(query=f"SELECT * FROM (\n{source.query.rstrip().rstrip(';')}\n) WHERE {present}")
