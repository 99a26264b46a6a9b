"""Ingests from BigQuery in the cloud.

The stock executor here also drops rows without a required column, and tells what it read: how many
rows, how many dropped, a digest of the rows, and when each table was last modified.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple

import apache_beam as beam
import numpy as np
import tensorflow as tf
from tfx import types
from tfx.components.example_gen import driver, utils
from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.dsl.io import fileio
from tfx.extensions.google_cloud_big_query.example_gen import executor
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils, component_spec, standard_artifacts, standard_component_specs

from pipeline.components import data_window, row_order
from pipeline.components.cache_key import source_sha256
from pipeline.errors import DataError
from pipeline.model import time_span
from pipeline.model.time_span import Span
from pipeline.serving.numbers import LARGEST_FLOAT, is_float32
from pipeline.spec import BigQuerySource

DIGESTS = 2**256
NO_ROWS = Span(None, None, 0)


class BigQueryExampleGenSpec(standard_component_specs.QueryBasedExampleGenSpec):
    # Not in custom_config, where the stock component has room: its executor hands that to Beam's
    # ReadFromBigQuery as keywords.
    PARAMETERS = {
        **standard_component_specs.QueryBasedExampleGenSpec.PARAMETERS,
        "project": component_spec.ExecutionParameter(type=str),
        "location": component_spec.ExecutionParameter(type=str),
        "required": component_spec.ExecutionParameter(type=str),
        # Empty in the job; table_times writes it before Vertex looks into its cache.
        "tables": component_spec.ExecutionParameter(type=str),
        "time_column": component_spec.ExecutionParameter(type=str),
        "window": component_spec.ExecutionParameter(type=str),
        "source_sha256": component_spec.ExecutionParameter(type=str),
    }


class Tally(NamedTuple):
    rows: int
    dropped: int
    digest: int  # the sum of the rows' digests: the same in whatever order they come
    unfinite: dict[str, int]  # column -> rows with a number in it that float32 does not hold
    span: Span  # of the rows' times


class Executor(executor.Executor):
    def Do(self, input_dict: Any, output_dict: Any, exec_properties: dict[str, Any]) -> None:
        examples = artifact_utils.get_single_instance(output_dict["examples"])
        self._tally_file = f"{examples.uri}/tally.json"
        super().Do(input_dict, output_dict, exec_properties)
        if not row_order.is_dataflow(self._beam_pipeline_args):
            for split in artifact_utils.decode_split_names(examples.split_names):
                row_order.put_in_order(artifact_utils.get_split_uri([examples], split))
        with fileio.open(self._tally_file) as file:
            text = file.read()
        tally = Tally(*json.loads(text))
        time_column = json.loads(exec_properties["time_column"])
        window = data_window.decode(exec_properties["window"])
        for column, count in sorted(tally.unfinite.items()):
            raise DataError(
                f"query.sql: the column {column} holds NaN, an infinity or a number beyond float32 "
                f"in {count} rows, allowed is a finite number up to {LARGEST_FLOAT:.1e} or NULL"
            )
        if tally.rows == 0:
            raise DataError(
                f"query.sql: no row is left of {tally.dropped}, "
                f"allowed are rows with {exec_properties['required']} in its window"
            )
        examples.set_int_custom_property("rows", tally.rows)
        examples.set_int_custom_property("rows_dropped", tally.dropped)
        examples.set_string_custom_property("digest", f"{tally.digest:064x}")
        examples.set_string_custom_property("tables", exec_properties["tables"])
        examples.set_string_custom_property("query", exec_properties["input_config"])
        span = Span(*tally.span) if time_column else None
        data_window.note(examples, window, span)

    def GenerateExamplesByBeam(self, pipeline: Any, exec_properties: dict[str, Any]) -> Any:
        splits = super().GenerateExamplesByBeam(pipeline, exec_properties)
        required = json.loads(exec_properties["required"])
        time_column = json.loads(exec_properties["time_column"])
        complete_splits = {}
        tallies = []
        for name, rows in splits.items():
            complete = beam.Filter(is_complete, required)
            tally = beam.Map(tally_of, required, time_column)
            complete_rows = rows | f"Complete[{name}]" >> complete
            complete_splits[name] = complete_rows | f"Bytes[{name}]" >> beam.Map(content_of)
            tallies.append(rows | f"Tally[{name}]" >> tally)
        all_tallies = tallies | "AllTallies" >> beam.Flatten()
        sums = all_tallies | "Sum" >> beam.CombineGlobally(total)
        text = sums | "AsJson" >> beam.Map(json.dumps)
        file = beam.io.WriteToText(self._tally_file, shard_name_template="")
        text | "WriteTally" >> file
        return complete_splits


def is_complete(row: tf.train.Example, required: list[str]) -> bool:
    """Say whether the row has a value in each required column."""
    features = row.features.feature
    return all(features[column].WhichOneof("kind") for column in required)


def content_of(row: tf.train.Example) -> bytes:
    """The row's bytes, the same for equal rows."""
    content: bytes = row.SerializeToString(deterministic=True)
    return content


def tally_of(row: tf.train.Example, required: list[str], time_column: str | None = None) -> Tally:
    unfinite = dict.fromkeys(unfinite_columns(row), 1)
    if not is_complete(row, required):
        return Tally(rows=0, dropped=1, digest=0, unfinite=unfinite, span=NO_ROWS)
    digest = hashlib.sha256(content_of(row)).digest()
    number = int.from_bytes(digest, "big")
    span = _span(row, time_column) if time_column else NO_ROWS
    return Tally(rows=1, dropped=0, digest=number, unfinite=unfinite, span=span)


def _span(row: tf.train.Example, time_column: str) -> Span:
    moment = data_window.time_of(row, time_column)
    return time_span.span(np.array([moment]))


def unfinite_columns(row: tf.train.Example) -> list[str]:
    """The columns with a number outside float32's finite range."""
    columns = []
    for name, feature in row.features.feature.items():
        values = feature.float_list.value
        if not all(map(is_float32, values)):
            columns.append(name)
    return columns


def total(tallies: Iterable[Tally]) -> Tally:
    rows, dropped, digest = 0, 0, 0
    unfinite: Counter[str] = Counter()
    spans = []
    for tally in tallies:
        spans.append(tally.span)
        rows += tally.rows
        dropped += tally.dropped
        digest += tally.digest
        unfinite.update(tally.unfinite)
    return Tally(rows, dropped, digest % DIGESTS, unfinite, time_span.joined(spans))


class BigQueryExampleGen(base_beam_component.BaseBeamComponent):
    """Examples of the splits train and eval, 2:1 by a hash of the row.

    Their properties are the query with its window written out, rows, rows_dropped, the rows'
    digest, `tables`: when each was last modified, and the window and times of data_window.py.
    """

    SPEC_CLASS = BigQueryExampleGenSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)
    DRIVER_CLASS = driver.QueryBasedDriver

    def __init__(self, source: BigQuerySource, *, required: list[str]) -> None:
        input_config = utils.make_default_input_config(_as_subquery(source.query))
        output_config = utils.make_default_output_config(input_config)
        sources = (
            "baseline/times.py",
            "components/bigquery_example_gen.py",
            "components/data_window.py",
            "components/row_order.py",
            "components/table_times.py",
            "model/sql.py",
            "model/time_span.py",
            "serving/numbers.py",
        )
        spec = BigQueryExampleGenSpec(
            input_config=input_config,
            output_config=output_config,
            output_data_format=example_gen_pb2.FORMAT_TF_EXAMPLE,
            output_file_format=example_gen_pb2.FORMAT_TFRECORDS_GZIP,
            project=source.project,
            location=source.location,
            required=json.dumps(required),
            tables="",
            time_column=json.dumps(source.time_column),
            window=data_window.encode(source.window),
            source_sha256=source_sha256(*sources),
            examples=types.Channel(type=standard_artifacts.Examples),
        )
        super().__init__(spec)


def _as_subquery(query: str) -> str:
    """The query as a subquery, fit for the FROM of the stock executor's query.

    It is one statement without a semicolon, as query.py writes it.
    """
    return f"SELECT * FROM (\n{query}\n)"
