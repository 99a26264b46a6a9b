"""Ingests a CSV here, read as the schema says.

Rows without a required column are dropped and counted. A hash of the row splits the others.
"""

import hashlib
import io
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import tensorflow as tf
from tfx import types
from tfx.components.util import examples_utils
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils, component_spec, standard_artifacts
from tfx_bsl.coders.example_coder import RecordBatchToExamplesEncoder

from pipeline.components.cache_key import source_sha256
from pipeline.errors import DataError
from pipeline.spec import CsvSource

ARROW_TYPES = {"INT": pa.int64(), "FLOAT": pa.float64(), "BYTES": pa.string()}
# Two rows in three are trained on, by the row's hash modulo three.
SPLITS = ("train", "train", "eval")
ROWS_AT_ONCE = 65536
BYTES_AT_ONCE = 16 << 20


class CsvExampleGenSpec(component_spec.ComponentSpec):
    PARAMETERS = {
        name: component_spec.ExecutionParameter(type=str)
        for name in ("path", "sha256", "null_values", "columns", "required", "source_sha256")
    }
    INPUTS: dict[str, Any] = {}
    OUTPUTS = {"examples": component_spec.ChannelParameter(type=standard_artifacts.Examples)}


class Executor(base_executor.BaseExecutor):
    def Do(self, input_dict: Any, output_dict: Any, exec_properties: dict[str, Any]) -> None:
        path = Path(exec_properties["path"])
        columns = json.loads(exec_properties["columns"])
        null_values = json.loads(exec_properties["null_values"])
        required = json.loads(exec_properties["required"])
        table = read_csv(path, columns, null_values)
        complete_rows = _without_nulls(table, required)
        if not complete_rows.num_rows:
            raise DataError(
                f"{path}: no row is left of {table.num_rows}, "
                f"allowed are rows with {exec_properties['required']}"
            )
        examples = artifact_utils.get_single_instance(output_dict["examples"])
        folders = _split_folders(examples)
        _write_splits(complete_rows, folders)
        dropped_rows = table.num_rows - complete_rows.num_rows
        examples.set_int_custom_property("rows", complete_rows.num_rows)
        examples.set_int_custom_property("rows_dropped", dropped_rows)
        examples.set_string_custom_property("sha256", exec_properties["sha256"])


class CsvExampleGen(base_component.BaseComponent):
    """Examples of the splits train and eval (2:1).

    Their properties are the source's sha256, rows and rows_dropped.
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
            source_sha256=source_sha256("components/csv_example_gen.py"),
            examples=types.Channel(type=standard_artifacts.Examples),
        )
        super().__init__(spec)


def read_csv(path: Path, columns: dict[str, str] | None, null_values: list[str]) -> pa.Table:
    """The rows of a .csv or .csv.zip, typed by `columns`.

    DataError names what is wrong where. `columns` maps a name to INT, FLOAT or BYTES; with None the
    types are guessed.
    """
    content = _content(path)
    column_types = {}
    if columns is not None:
        _check_header(path, content, set(columns))
        column_types = {name: ARROW_TYPES[kind] for name, kind in columns.items()}
    options = pa.csv.ConvertOptions(
        column_types=column_types,
        null_values=null_values,
        strings_can_be_null=True,
        true_values=[],
        false_values=[],
    )
    table = _parsed(path, content, options)
    if columns is None:
        fields = [(field.name, _encodable(field.type)) for field in table.schema]
        schema = pa.schema(fields)
        table = table.cast(schema)
    if not table.num_rows:
        raise DataError(f"{path}: there is a header and no row, allowed is at least one")
    return table


def column_names(path: Path) -> list[str]:
    """The column names in the file's header."""
    return _header(_content(path))


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


def _content(path: Path) -> bytes:
    try:
        if path.suffix != ".zip":
            return path.read_bytes()
        with zipfile.ZipFile(path) as archive:
            [name] = archive.namelist()
            return archive.read(name)
    except FileNotFoundError as error:
        raise DataError(f"{path}: there is no such file") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from error
    except (zipfile.BadZipFile, ValueError, RuntimeError) as error:  # RuntimeError: it is encrypted
        raise DataError(f"{path}: not a zip archive of one CSV ({error})") from error


def _header(content: bytes) -> list[str]:
    first_line, _, _ = content.partition(b"\n")
    text = first_line.decode("utf-8", "replace")
    line = text.strip().lstrip("\ufeff")
    if not line:
        return []
    return [name.strip('"') for name in line.split(",")]


def _parsed(path: Path, content: bytes, options: pa.csv.ConvertOptions) -> pa.Table:
    read_options = pa.csv.ReadOptions(block_size=BYTES_AT_ONCE)
    stream = io.BytesIO(content)
    try:
        return pa.csv.read_csv(stream, read_options=read_options, convert_options=options)
    except (pa.ArrowInvalid, UnicodeDecodeError) as error:
        message = _with_column_name(str(error), content)
        raise DataError(f"{path}: {message}") from error


def _encodable(data_type: pa.DataType) -> pa.DataType:
    """A guessed type as a tf.Example's: dates and times become strings."""
    checks = (pa.types.is_integer, pa.types.is_floating, pa.types.is_null)
    encodable = any(check(data_type) for check in checks)
    return data_type if encodable else pa.string()


def _check_header(path: Path, content: bytes, expected_names: set[str]) -> None:
    names = set(_header(content))
    expected = _listed(expected_names)
    if not names:
        raise DataError(
            f"{path}: the file is empty, allowed is a header with the columns {expected}"
        )
    missing_names = expected_names - names
    if missing_names:
        raise DataError(
            f"{path}: the column {_listed(missing_names)} of schema.pbtxt is missing, "
            f"found are {_listed(names)}"
        )
    extra_names = names - expected_names
    if extra_names:
        raise DataError(
            f"{path}: the column {_listed(extra_names)} is not in schema.pbtxt, "
            f"allowed are {expected}"
        )


def _listed(names: set[str]) -> str:
    return ", ".join(sorted(names))


def _with_column_name(message: str, content: bytes) -> str:
    """Arrow's message with a column's name in place of its number."""

    def name(match: re.Match[str]) -> str:
        number = int(match[1])
        column = _header(content)[number]
        return f"in the column {column}"

    return re.sub(r"In CSV column #(\d+)", name, message)


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


def _write_splits(table: pa.Table, folders: dict[str, str]) -> None:
    options = tf.io.TFRecordOptions(compression_type="GZIP", compression_level=1)
    writers = {}
    for split, folder in folders.items():
        tf.io.gfile.makedirs(folder)
        file = f"{folder}/data_tfrecord-00000-of-00001.gz"
        writers[split] = tf.io.TFRecordWriter(file, options)
    for record in encode(table):
        split = _split(record)
        writers[split].write(record)
    for writer in writers.values():
        writer.close()


def _split(record: bytes) -> str:
    digest = hashlib.sha256(record).digest()
    number = int.from_bytes(digest, "big")
    return SPLITS[number % 3]
