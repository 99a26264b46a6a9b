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


class CsvExampleGenSpec(component_spec.ComponentSpec):
    PARAMETERS = {
        "path": component_spec.ExecutionParameter(type=str),
        "sha256": component_spec.ExecutionParameter(type=str),
        "null_values": component_spec.ExecutionParameter(type=str),
        "columns": component_spec.ExecutionParameter(type=str),
        "required": component_spec.ExecutionParameter(type=str),
        "source_sha256": component_spec.ExecutionParameter(type=str),
    }
    INPUTS: dict[str, Any] = {}
    OUTPUTS = {"examples": component_spec.ChannelParameter(type=standard_artifacts.Examples)}


class Executor(base_executor.BaseExecutor):
    def Do(self, input_dict: Any, output_dict: Any, exec_properties: dict[str, Any]) -> None:
        path, columns = Path(exec_properties["path"]), json.loads(exec_properties["columns"])
        table = read_csv(path, columns, json.loads(exec_properties["null_values"]))
        complete_rows = _without_nulls(table, json.loads(exec_properties["required"]))
        if not complete_rows.num_rows:
            raise DataError(
                f"{path}: no row is left of {table.num_rows}, "
                f"allowed are rows with {exec_properties['required']}"
            )
        examples = artifact_utils.get_single_instance(output_dict["examples"])
        examples.split_names = artifact_utils.encode_split_names(sorted(set(SPLITS)))
        examples_utils.set_payload_format(examples, example_gen_pb2.PayloadFormat.FORMAT_TF_EXAMPLE)
        examples_utils.set_file_format(examples, "tfrecords_gzip")
        folders = {split: artifact_utils.get_split_uri([examples], split) for split in set(SPLITS)}
        _write_splits(complete_rows, folders)
        counts = {
            "rows": complete_rows.num_rows,
            "rows_dropped": table.num_rows - complete_rows.num_rows,
        }
        for name, count in counts.items():
            examples.set_int_custom_property(name, count)
        examples.set_string_custom_property("sha256", exec_properties["sha256"])


class CsvExampleGen(base_component.BaseComponent):
    """Examples of the splits train and eval (2:1).

    Their properties are the source's sha256, rows and rows_dropped.
    """

    SPEC_CLASS = CsvExampleGenSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(self, source: CsvSource, *, columns: dict[str, str], required: list[str]) -> None:
        super().__init__(
            CsvExampleGenSpec(
                path=source.path,
                sha256=source.sha256,
                null_values=json.dumps(source.null_values),
                columns=json.dumps(columns),
                required=json.dumps(required),
                source_sha256=source_sha256("components/csv_example_gen.py"),
                examples=types.Channel(type=standard_artifacts.Examples),
            )
        )


def read_csv(path: Path, columns: dict[str, str] | None, null_values: list[str]) -> pa.Table:
    """The rows of a .csv or .csv.zip, typed by `columns`.

    DataError names what is wrong where. `columns` maps a name to INT, FLOAT or BYTES; with None the
    types are guessed.
    """
    content = _content(path)
    options = pa.csv.ConvertOptions(
        column_types={name: ARROW_TYPES[kind] for name, kind in (columns or {}).items()},
        null_values=null_values,
        strings_can_be_null=True,
        true_values=[],
        false_values=[],
    )
    if columns is not None:
        _check_header(path, content, set(columns))
    try:
        table = pa.csv.read_csv(
            io.BytesIO(content),
            read_options=pa.csv.ReadOptions(block_size=16 << 20),
            convert_options=options,
        )
    except (pa.ArrowInvalid, UnicodeDecodeError) as error:
        raise DataError(f"{path}: {_named(str(error), content)}") from error
    if columns is None:
        fields = [(field.name, _encodable(field.type)) for field in table.schema]
        table = table.cast(pa.schema(fields))
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
    names = sorted(name for name in table.column_names if not pa.types.is_null(table[name].type))
    for batch in table.select(names).to_batches(max_chunksize=ROWS_AT_ONCE):
        lists = pa.RecordBatch.from_arrays(
            [_as_lists(column) for column in batch.columns], names=batch.schema.names
        )
        for record in encoder.encode(lists):
            # The encoder's order of features varies between runs: only a canonical form can be
            # hashed.
            yield tf.train.Example.FromString(record).SerializeToString(deterministic=True)


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
    line = content.split(b"\n", 1)[0].decode("utf-8", "replace").strip().lstrip("\ufeff")
    if not line:
        return []
    return [name.strip('"') for name in line.split(",")]


def _encodable(data_type: pa.DataType) -> pa.DataType:
    """A guessed type as a tf.Example's: dates and times become strings."""
    checks = (pa.types.is_integer, pa.types.is_floating, pa.types.is_null)
    encodable = any(check(data_type) for check in checks)
    return data_type if encodable else pa.string()


def _check_header(path: Path, content: bytes, expected_names: set[str]) -> None:
    names = set(_header(content))
    if not names:
        raise DataError(
            f"{path}: the file is empty, "
            f"allowed is a header with the columns {', '.join(sorted(expected_names))}"
        )
    if missing_names := sorted(expected_names - names):
        raise DataError(
            f"{path}: the column {', '.join(missing_names)} of schema.pbtxt is missing, "
            f"found are {', '.join(sorted(names))}"
        )
    if extra_names := sorted(names - expected_names):
        raise DataError(
            f"{path}: the column {', '.join(extra_names)} is not in schema.pbtxt, "
            f"allowed are {', '.join(sorted(expected_names))}"
        )


def _named(message: str, content: bytes) -> str:
    """Arrow's message with a column's name in place of its number."""
    return re.sub(
        r"In CSV column #(\d+)", lambda m: f"in the column {_header(content)[int(m[1])]}", message
    )


def _without_nulls(table: pa.Table, required: list[str]) -> pa.Table:
    valid = np.ones(table.num_rows, dtype=bool)
    for name in required:
        valid &= table[name].is_valid().to_numpy()
    return table.filter(pa.array(valid))


def _as_lists(column: pa.Array) -> pa.ListArray:
    if pa.types.is_floating(column.type):
        column = column.cast(pa.float32())
    if pa.types.is_string(column.type):
        column = column.cast(pa.binary())
    offsets = np.zeros(len(column) + 1, np.int32)
    np.cumsum(column.is_valid().to_numpy(zero_copy_only=False), out=offsets[1:])
    return pa.ListArray.from_arrays(pa.array(offsets), column.drop_null())


def _write_splits(table: pa.Table, folders: dict[str, str]) -> None:
    options = tf.io.TFRecordOptions(compression_type="GZIP", compression_level=1)
    for folder in folders.values():
        tf.io.gfile.makedirs(folder)
    writers = {
        split: tf.io.TFRecordWriter(f"{folder}/data_tfrecord-00000-of-00001.gz", options)
        for split, folder in folders.items()
    }
    for record in encode(table):
        digest = hashlib.sha256(record).digest()
        split = SPLITS[int.from_bytes(digest, "big") % 3]
        writers[split].write(record)
    for writer in writers.values():
        writer.close()
