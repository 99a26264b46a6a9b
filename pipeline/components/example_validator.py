"""Checks the statistics against the schema and stops the run at the first anomaly.

Nothing is computed from bad data.
"""

from typing import Any

import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import schema_pb2
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
        schema_file = io_utils.get_only_uri_in_dir(schema_folder)
        schema = io_utils.SchemaReader().read(schema_file)
        sentences = anomalies(statistics, schema)
        counts = row_counts(statistics)
        rows = sum(counts.values())
        minimum_rows = exec_properties["minimum_rows"]
        if rows < minimum_rows:
            raise DataError(
                f"the data has {rows} rows, allowed is at least data.minimum_rows = {minimum_rows}"
            )
        for split, count in counts.items():
            if count == 0:
                raise DataError(
                    f"the split {split} has none of the {rows} rows, "
                    "allowed is at least one row to train on and one that is held out for eval"
                )
        if sentences:
            message = "; ".join(sentences)
            raise DataError(f"the data is not what schema.pbtxt says: {message}")


class ExampleValidator(base_component.BaseComponent):
    """Outputs the stock component's anomalies, which are empty; raises DataError otherwise.

    The error names each anomaly and its feature.
    """

    SPEC_CLASS = ExampleValidatorSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self, *, statistics: types.BaseChannel, schema: types.BaseChannel, minimum_rows: int
    ) -> None:
        spec = ExampleValidatorSpec(
            statistics=statistics,
            schema=schema,
            minimum_rows=minimum_rows,
            source_sha256=source_sha256("components/example_validator.py"),
            anomalies=types.Channel(type=standard_artifacts.ExampleAnomalies),
        )
        super().__init__(spec)


def anomalies(statistics: types.Artifact, schema: schema_pb2.Schema) -> list[str]:
    """A sentence for each anomaly of each split.

    The report of a stopped run shows them, too.
    """
    sentences = []
    for split in artifact_utils.decode_split_names(statistics.split_names):
        proto = stats_artifact_utils.load_statistics(statistics, split).proto()
        split_anomalies = tfdv.validate_statistics(proto, schema, environment="TRAINING")
        for feature, info in sorted(split_anomalies.anomaly_info.items()):
            for reason in info.reason:
                description = reason.description.rstrip(".").lower()
                sentences.append(f"{feature} ({split}): {description}")
    return sentences


def row_counts(statistics: types.Artifact) -> dict[str, int]:
    """How many rows each split has."""
    counts = {}
    for split in artifact_utils.decode_split_names(statistics.split_names):
        proto = stats_artifact_utils.load_statistics(statistics, split).proto()
        counts[split] = proto.datasets[0].num_examples
    return counts
