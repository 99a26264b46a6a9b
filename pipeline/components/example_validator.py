"""Checks the statistics against the schema and stops the run at the first anomaly.

Nothing is computed from bad data.
"""

from typing import Any

import tensorflow_data_validation as tfdv
from tfx import types
from tfx.components.example_validator import executor
from tfx.components.statistics_gen import stats_artifact_utils
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import artifact_utils, component_spec, standard_artifacts
from tfx.utils import io_utils

from pipeline.components.cache_key import source_sha256
from pipeline.errors import DataError


class ExampleValidatorSpec(component_spec.ComponentSpec):
    PARAMETERS = {
        "minimum_rows": component_spec.ExecutionParameter(type=int),
        "source_sha256": component_spec.ExecutionParameter(type=str),
    }
    INPUTS = {
        "statistics": component_spec.ChannelParameter(type=standard_artifacts.ExampleStatistics),
        "schema": component_spec.ChannelParameter(type=standard_artifacts.Schema),
    }
    OUTPUTS = {
        "anomalies": component_spec.ChannelParameter(type=standard_artifacts.ExampleAnomalies)
    }


class Executor(executor.Executor):
    def Do(self, input_dict: Any, output_dict: Any, exec_properties: dict[str, Any]) -> None:
        super().Do(input_dict, output_dict, {})
        statistics = artifact_utils.get_single_instance(input_dict["statistics"])
        schema_folder = artifact_utils.get_single_uri(input_dict["schema"])
        schema = io_utils.SchemaReader().read(io_utils.get_only_uri_in_dir(schema_folder))
        sentences, rows = anomalies(statistics, schema), row_count(statistics)
        if rows < exec_properties["minimum_rows"]:
            raise DataError(
                f"the data has {rows} rows, "
                f"allowed is at least data.minimum_rows = {exec_properties['minimum_rows']}"
            )
        if sentences:
            raise DataError("the data is not what schema.pbtxt says: " + "; ".join(sentences))


class ExampleValidator(base_component.BaseComponent):
    """The stock component's anomalies, if there are none.

    Else it raises a DataError that names each with its feature.
    """

    SPEC_CLASS = ExampleValidatorSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self, *, statistics: types.BaseChannel, schema: types.BaseChannel, minimum_rows: int
    ) -> None:
        super().__init__(
            ExampleValidatorSpec(
                statistics=statistics,
                schema=schema,
                minimum_rows=minimum_rows,
                source_sha256=source_sha256("components/example_validator.py"),
                anomalies=types.Channel(type=standard_artifacts.ExampleAnomalies),
            )
        )


def anomalies(statistics: types.Artifact, schema: Any) -> list[str]:
    """A sentence for each anomaly of each split.

    The report of a stopped run shows them, too.
    """
    sentences = []
    for split in artifact_utils.decode_split_names(statistics.split_names):
        split_anomalies = tfdv.validate_statistics(
            stats_artifact_utils.load_statistics(statistics, split).proto(),
            schema,
            environment="TRAINING",
        )
        for feature, info in sorted(split_anomalies.anomaly_info.items()):
            sentences += [
                f"{feature} ({split}): {reason.description.rstrip('.').lower()}"
                for reason in info.reason
            ]
    return sentences


def row_count(statistics: types.Artifact) -> int:
    splits = artifact_utils.decode_split_names(statistics.split_names)
    return sum(
        stats_artifact_utils.load_statistics(statistics, split).proto().datasets[0].num_examples
        for split in splits
    )
