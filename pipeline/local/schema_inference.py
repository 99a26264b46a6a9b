"""Infers a schema from the data and compares it with the reviewed one."""

import difflib
import os
import tempfile
from pathlib import Path

import tensorflow as tf
import tensorflow_data_validation as tfdv
from google.protobuf import text_format

from pipeline.components.csv_example_gen import encode
from pipeline.job import tfx_patches
from pipeline.model import schema as contract
from pipeline.model.csv_file.table import read_csv
from pipeline.model.folder import ModelFolder
from pipeline.progress import everything_else_to


def infer(folder: ModelFolder) -> str:
    """The schema as SchemaGen infers it from the folder's local data, in text form."""
    table = read_csv(folder.source, None, folder.declaration.data.null_values)
    with tempfile.TemporaryDirectory() as scratch, everything_else_to(Path(os.devnull)):
        with tf.io.TFRecordWriter(f"{scratch}/rows") as writer:
            for record in encode(table):
                writer.write(record)
        with tfx_patches.fn_api_runner():
            statistics = tfdv.generate_statistics_from_tfrecord(f"{scratch}/rows")
        schema = tfdv.infer_schema(statistics, infer_feature_shape=False)
    return str(text_format.MessageToString(schema))


def difference(file: Path, inferred: str) -> list[str]:
    """A unified diff from the reviewed schema in `file`, both in the same text form.

    The reviewed schema is empty where there is none yet.
    """
    reviewed = ""
    if file.exists():
        schema = contract.parse(file)
        reviewed = text_format.MessageToString(schema)
    reviewed_lines = reviewed.splitlines()
    inferred_lines = inferred.splitlines()
    name = "inferred from the data"
    diff = difflib.unified_diff(reviewed_lines, inferred_lines, str(file), name, lineterm="")
    return list(diff)
