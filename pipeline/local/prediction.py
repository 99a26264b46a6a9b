"""Batch predictions: every row of a CSV answered by the last blessed model, through BulkInferrer."""

import dataclasses
import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from pipeline import spec
from pipeline.components.csv_example_gen import column_names, encode, read_csv
from pipeline.errors import RunError
from pipeline.job import compiler
from pipeline.job.dag import create_prediction_pipeline
from pipeline.local.runs import new_run_id, run_logged
from pipeline.local.store import alone
from pipeline.model.folder import ModelFolder
from pipeline.reports import run_record


def predict(folder: ModelFolder, runs: Path, source: Path, output: Path) -> dict[str, Any]:
    """Write `source`'s rows in their order with one column an output of the signature; returns rows, model and output."""
    store, run_id = runs / "store" / folder.name, new_run_id(folder.name)
    settled = _spec(folder, store, source)
    with alone(store):
        pipeline = compiler.build(create_prediction_pipeline, settled)
        error = run_logged(pipeline, run_id, runs / run_id / "log.txt")
        record = run_record.from_metadata(
            store / "metadata.db", run_id, {c.id: [] for c in pipeline.components}
        )
    model, results = (
        record.artifact("LastBlessed", "model"),
        record.artifact("BulkInferrer", "inference_result"),
    )
    if model is None:
        raise RunError(
            f"there is no blessed model of {folder.name} in {store}: run `python -m pipeline run {folder.name}` first"
        )
    if error or results is None:
        raise RunError(error or "BulkInferrer left no result")
    table = read_csv(source, settled.columns, folder.declaration.data.null_values)
    _write(table, _answers(results.uri), output)
    return {"rows": table.num_rows, "model": model.uri, "output": str(output)}


def _spec(folder: ModelFolder, store: Path, source: Path) -> spec.PipelineSpec:
    """The folder's spec over another file, in which columns that are never served may be missing."""
    settled = spec.here(folder, store)
    given = set(column_names(source))
    columns = {
        name: kind
        for name, kind in settled.columns.items()
        if name in settled.served or name in given
    }
    data = settled.declaration.data.model_copy(
        update={"required": []}
    )  # a row without a label is what predictions are for
    csv = spec.CsvSource.of(source, data.null_values)
    return dataclasses.replace(
        settled,
        columns=columns,
        source=csv,
        declaration=settled.declaration.model_copy(update={"data": data}),
    )


def _answers(folder: str) -> dict[bytes, dict[str, float]]:
    """Each distinct row, as a serialized tf.Example, and what the model answered; BulkInferrer keeps no order."""
    answers = {}
    files = tf.io.gfile.glob(f"{folder}/*")
    for record in tf.data.TFRecordDataset(files, compression_type="GZIP").as_numpy_iterator():
        log = prediction_log_pb2.PredictionLog.FromString(record).predict_log
        [row] = log.request.inputs["examples"].string_val
        answers[tf.train.Example.FromString(row).SerializeToString(deterministic=True)] = {
            name: float(tf.make_ndarray(value).reshape(-1)[0])
            for name, value in log.response.outputs.items()
        }
    return answers


def _write(table: pa.Table, answers: dict[bytes, dict[str, float]], output: Path) -> None:
    rows = [answers[record] for record in encode(table)]
    for name in rows[0]:
        table = table.append_column(f"predicted_{name}", pa.array([row[name] for row in rows]))
    unfinished = output.with_name(f".{output.name}.unfinished")
    try:
        pyarrow.csv.write_csv(table, unfinished)
        os.replace(unfinished, output)
    except OSError as error:
        raise RunError(f"{output}: cannot be written ({error})") from error
