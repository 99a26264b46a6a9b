"""Ingests a CSV here, read as the schema says.

Rows outside the window are left out, those without a required column dropped and counted. A hash
of the row splits the others.
"""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import tensorflow as tf
from tfx import types
from tfx.components.util import examples_utils
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils, component_spec, standard_artifacts
from tfx_bsl.coders.example_coder import RecordBatchToExamplesEncoder

from pipeline.baseline.times import of_column
from pipeline.components import data_window
from pipeline.components.cache_key import source_sha256
from pipeline.errors import DataError
from pipeline.model.csv_file.table import read_csv
from pipeline.model.time_span import Span, span
from pipeline.model.window import Window
from pipeline.model.windowed_rows import within
from pipeline.spec import CsvSource

# Two rows in three are trained on, by the row's hash modulo three.
SPLITS = ("train", "train", "eval")
DIGESTS = 2**256  # a sum of digests is below it, too
ROWS_AT_ONCE = 65536
# All that decides what becomes of a file's bytes.
SOURCES = (
    "baseline/times.py",
    "components/csv_example_gen.py",
    "components/data_window.py",
    "model/csv_file/content.py",
    "model/csv_file/faults.py",
    "model/csv_file/header.py",
    "model/csv_file/parsing.py",
    "model/csv_file/quotes.py",
    "model/csv_file/table.py",
    "model/csv_file/text.py",
    "model/csv_file/widths.py",
    "model/time_span.py",
    "model/windowed_rows.py",
    "serving/numbers.py",
)


class CsvExampleGenSpec(component_spec.ComponentSpec):
    PARAMETERS = {
        name: component_spec.ExecutionParameter(type=str)
        for name in (
            "path",
            "sha256",
            "null_values",
            "columns",
            "required",
            "time_column",
            "window",
            "source_sha256",
        )
    }
    INPUTS: dict[str, Any] = {}
    OUTPUTS = {"examples": component_spec.ChannelParameter(type=standard_artifacts.Examples)}


class Executor(base_executor.BaseExecutor):
    def Do(self, input_dict: Any, output_dict: Any, exec_properties: dict[str, Any]) -> None:
        path = Path(exec_properties["path"])
        columns = json.loads(exec_properties["columns"])
        null_values = json.loads(exec_properties["null_values"])
        required = json.loads(exec_properties["required"])
        time_column = json.loads(exec_properties["time_column"])
        window = data_window.decode(exec_properties["window"])
        table = read_csv(path, columns, null_values)
        if window:
            table = _within(window, table, time_column, path)
        complete_rows = _without_nulls(table, required)
        if not complete_rows.num_rows:
            raise DataError(
                f"{path}: no row is left of {table.num_rows}, "
                f"allowed are rows with {exec_properties['required']}"
            )
        examples = artifact_utils.get_single_instance(output_dict["examples"])
        folders = _split_folders(examples)
        digest = _write_splits(complete_rows, folders)
        dropped_rows = table.num_rows - complete_rows.num_rows
        examples.set_int_custom_property("rows", complete_rows.num_rows)
        examples.set_int_custom_property("rows_dropped", dropped_rows)
        examples.set_string_custom_property("sha256", exec_properties["sha256"])
        examples.set_string_custom_property("digest", f"{digest:064x}")
        data_window.note(examples, window, _span(complete_rows, time_column))


class CsvExampleGen(base_component.BaseComponent):
    """Examples of the splits train and eval (2:1).

    Their properties are the source's sha256, rows and rows_dropped, the rows' digest, and the
    window and times of data_window.py.
    """

    SPEC_CLASS = CsvExampleGenSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(self, source: CsvSource, *, columns: dict[str, str], required: list[str]) -> None:
        spec = CsvExampleGenSpec(
            path=source.path,
            sha256=source.sha256,
            null_values=json.dumps(source.null_values),
            columns=json.dumps(columns),
            required=json.dumps(required),
            time_column=json.dumps(source.time_column),
            window=data_window.encode(source.window),
            source_sha256=source_sha256(*SOURCES),
            examples=types.Channel(type=standard_artifacts.Examples),
        )
        super().__init__(spec)


def encode(table: pa.Table) -> Iterator[bytes]:
    """Each row as a serialized tf.Example; a null is a feature without values."""
    encoder = RecordBatchToExamplesEncoder()
    # Where types are guessed, a column of nulls has none.
    typed_fields = [field for field in table.schema if not pa.types.is_null(field.type)]
    names = sorted(field.name for field in typed_fields)
    typed_table = table.select(names)
    for batch in typed_table.to_batches(max_chunksize=ROWS_AT_ONCE):
        columns = [_as_lists(column) for column in batch.columns]
        lists = pa.RecordBatch.from_arrays(columns, names=batch.schema.names)
        for record in encoder.encode(lists):
            # The encoder's order of features varies between runs: only a canonical form can be
            # hashed.
            example = tf.train.Example.FromString(record)
            yield example.SerializeToString(deterministic=True)


def _split_folders(examples: types.Artifact) -> dict[str, str]:
    """Give the artifact its splits and format; return each split's folder."""
    names = sorted(set(SPLITS))
    examples.split_names = artifact_utils.encode_split_names(names)
    examples_utils.set_payload_format(examples, example_gen_pb2.PayloadFormat.FORMAT_TF_EXAMPLE)
    examples_utils.set_file_format(examples, "tfrecords_gzip")
    return {name: artifact_utils.get_split_uri([examples], name) for name in names}


def _within(window: Window, table: pa.Table, time_column: str, path: Path) -> pa.Table:
    try:
        return within(window, table, time_column)
    except DataError as error:
        raise DataError(f"{path}: {error}") from error


def _span(table: pa.Table, time_column: str | None) -> Span | None:
    return span(of_column(table[time_column])) if time_column else None


def _without_nulls(table: pa.Table, required: list[str]) -> pa.Table:
    valid = np.ones(table.num_rows, dtype=bool)
    for name in required:
        column = table[name]
        valid &= column.is_valid().to_numpy()
    mask = pa.array(valid)
    return table.filter(mask)


def _as_lists(column: pa.Array) -> pa.ListArray:
    if pa.types.is_floating(column.type):
        column = column.cast(pa.float32())
    if pa.types.is_string(column.type):
        column = column.cast(pa.binary())
    valid = column.is_valid().to_numpy(zero_copy_only=False)
    offsets = np.zeros(len(column) + 1, np.int32)
    np.cumsum(valid, out=offsets[1:])
    values = column.drop_null()
    return pa.ListArray.from_arrays(pa.array(offsets), values)


def _write_splits(table: pa.Table, folders: dict[str, str]) -> int:
    """Write each row into its split; return the digest of all, the same in whatever order."""
    options = tf.io.TFRecordOptions(compression_type="GZIP", compression_level=1)
    writers = {}
    for split, folder in folders.items():
        tf.io.gfile.makedirs(folder)
        file = f"{folder}/data_tfrecord-00000-of-00001.gz"
        writers[split] = tf.io.TFRecordWriter(file, options)
    digest = 0
    for record in encode(table):
        number = _number(record)
        split = SPLITS[number % len(SPLITS)]
        writers[split].write(record)
        digest += number
    for writer in writers.values():
        writer.close()
    return digest % DIGESTS


def _number(record: bytes) -> int:
    """The row's hash: its split hangs on nothing else, so that every window has the same."""
    digest = hashlib.sha256(record).digest()
    return int.from_bytes(digest, "big")
