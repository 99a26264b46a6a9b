"""Batch predictions through BulkInferrer.

The last blessed model answers every row of a CSV.
"""

import dataclasses
import math
import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from pipeline import spec
from pipeline.components.csv_example_gen import encode
from pipeline.errors import RunError
from pipeline.job import compiler
from pipeline.job.dag import create_prediction_pipeline
from pipeline.local.artifact_check import Problems
from pipeline.local.runs import failures_told, new_run_id, run_logged
from pipeline.local.store import locked_store
from pipeline.model.csv_file.table import column_names, read_csv
from pipeline.model.folder import ModelFolder
from pipeline.places import cannot_be_written
from pipeline.reports import run_metadata
from pipeline.serving.row_key import ROW_KEY

Answer = dict[str, float | None]  # by the signature's outputs


def predict(folder: ModelFolder, runs: Path, source: Path, output: Path) -> dict[str, Any]:
    """Write `source`'s rows in their order, with one column for each output of the signature.

    Returns rows, model and output.
    """
    store = runs / "store" / folder.name
    run_id = new_run_id(folder.name)
    log = runs / run_id / "log.txt"
    pipeline_spec = _spec(folder, store, source)
    problems = Problems()
    with locked_store(store), failures_told(log.parent):
        pipeline = compiler.build(create_prediction_pipeline, pipeline_spec)
        error = run_logged(pipeline, run_id, log, problems)
        upstream: dict[str, list[str]] = {c.id: [] for c in pipeline.components}
        metadata = run_metadata.from_metadata(store / "metadata.db", run_id, upstream)
    model = metadata.artifact("LastBlessed", "model")
    results = metadata.artifact("BulkInferrer", "inference_result")
    _refuse_older_model(folder.name, problems)
    if model is None:
        raise RunError(
            f"there is no blessed model of {folder.name} in {store}: "
            f"run `python -m pipeline run {folder.name}` first"
        )
    if error or results is None:
        raise RunError(error or "BulkInferrer left no result")
    table = read_csv(source, pipeline_spec.columns, folder.declaration.data.null_values)
    answers = answers_in(results.uri)
    _write(table, answers, output)
    return {"rows": table.num_rows, "model": model.uri, "output": str(output)}


def _spec(folder: ModelFolder, store: Path, source: Path) -> spec.PipelineSpec:
    """The folder's spec over another file.

    The file may lack columns that are never served, and may have a row key.
    """
    pipeline_spec = spec.here(folder, store)
    header = column_names(source)
    names = {*pipeline_spec.served, *header}
    columns = {name: kind for name, kind in pipeline_spec.columns.items() if name in names}
    if ROW_KEY in header:
        columns[ROW_KEY] = "BYTES"  # a signature parses no feature that it does not ask for
    # A row without a label is what predictions are for.
    data = pipeline_spec.declaration.data.model_copy(update={"required": []})
    csv = spec.CsvSource.of(source, data.null_values)
    declaration = pipeline_spec.declaration.model_copy(update={"data": data})
    return dataclasses.replace(pipeline_spec, columns=columns, source=csv, declaration=declaration)


def _refuse_older_model(name: str, problems: Problems) -> None:
    """Raise RunError for a damaged last blessed model: an older one answers differently."""
    for model, problem in problems.by_folder.items():
        if model.parts[-3:-1] == ("Trainer", "model"):
            raise RunError(
                f"the last blessed model of {name}, {model}, is damaged ({problem}): "
                f"run `python -m pipeline run {name}`, which trains it anew"
            )


def answers_in(folder: str) -> dict[bytes, Answer]:
    """Each distinct row, as a serialized tf.Example, and the model's answer.

    BulkInferrer keeps no order.
    """
    answers = {}
    files = tf.io.gfile.glob(f"{folder}/*")
    dataset = tf.data.TFRecordDataset(files, compression_type="GZIP")
    for record in dataset.as_numpy_iterator():
        log = prediction_log_pb2.PredictionLog.FromString(record).predict_log
        [row] = log.request.inputs["examples"].string_val
        example = tf.train.Example.FromString(row)
        key = example.SerializeToString(deterministic=True)
        outputs = log.response.outputs
        answers[key] = {name: _number(tensor) for name, tensor in outputs.items()}
    return answers


def _number(tensor: Any) -> float | None:
    """The first number of a TensorProto: an output has one number a row.

    None where it is not finite: the server's answer is null there.
    """
    numbers = tf.make_ndarray(tensor).reshape(-1)
    number = float(numbers[0])
    return number if math.isfinite(number) else None


def _write(table: pa.Table, answers: dict[bytes, Answer], output: Path) -> None:
    rows = [answers[record] for record in encode(table)]
    for name in rows[0]:
        numbers = [row[name] for row in rows]
        column = pa.array(numbers, pa.float64())
        table = table.append_column(f"predicted_{name}", column)
    unfinished_file = output.with_name(f".{output.name}.unfinished")
    try:
        pyarrow.csv.write_csv(table, unfinished_file)
        os.replace(unfinished_file, output)
    except OSError as error:
        unfinished_file.unlink(missing_ok=True)
        raise cannot_be_written(output, error) from error
