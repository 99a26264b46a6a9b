"""Fills the team's own BigQuery tables for the models to train on.

Each model that trains on such a table has one, and it gets the rows that the model has here.
"""

import io
import time
from collections.abc import Callable
from dataclasses import dataclass

import pyarrow.parquet
from google.cloud import bigquery

from pipeline.errors import ConfigurationError, DataError
from pipeline.gcp.stage import Stage
from pipeline.model import query
from pipeline.model import schema as contract
from pipeline.model.folder import ModelFolder
from settings import model_names

COLUMN_TYPES = {"INT": "INT64", "FLOAT": "FLOAT64", "BYTES": "STRING"}
ANSWER_SECONDS = 30.0  # the client would wait ten minutes for a network that is not there


@dataclass(frozen=True)
class Loaded:
    model: str
    table: str
    rows: int  # that BigQuery says it holds
    seconds: float


def chosen(names: list[str]) -> list[ModelFolder]:
    """Return the models of these names or paths, by default all in need of a table.

    Raises ConfigurationError for a model that needs none.
    """
    if not names:
        all_folders = map(ModelFolder.load, model_names())
        return [folder for folder in all_folders if query.reads_own_table(folder)]
    folders = [ModelFolder.load(name) for name in dict.fromkeys(names)]
    for folder in folders:
        if not query.reads_own_table(folder):
            raise ConfigurationError(
                f"{folder.name} needs no table: its query.sql asks for no @table "
                "but reads one that is there already"
            )
    return folders


def load(models: list[ModelFolder], stage: Stage, progress: Callable[[str], None]) -> list[Loaded]:
    """Make each model's table hold the rows of its local source and no others.

    Where that fails, the table stays as it was. Raises DataError for a source that is missing or
    is not what schema.pbtxt says, and RunError for what Google refuses.
    """
    for folder in models:
        if not folder.source.is_file():
            raise DataError(
                f"{folder.source}: there is no such file, "
                f"{folder.path}/model.toml names it in data.source"
            )
    if not models:
        return []
    dataset = stage.names.dataset("data")
    with stage.asking(f"the dataset {dataset}"):
        stage.bigquery.get_dataset(
            f"{stage.project}.{dataset}",
            retry=bigquery.DEFAULT_RETRY.with_timeout(ANSWER_SECONDS),
        )
    return [_load(folder, stage, progress) for folder in models]


def _load(folder: ModelFolder, stage: Stage, progress: Callable[[str], None]) -> Loaded:
    # seconds to import: what is wrong with a call is told before
    from pipeline.model.csv_file.table import read_csv

    start = time.monotonic()
    table = bigquery.Table(stage.names.data_table(folder.name))
    data = folder.declaration.data
    columns = contract.columns(contract.read(folder))
    progress(f"{folder.name}: reading {folder.source}")
    rows = read_csv(folder.source, columns, data.null_values)
    content = io.BytesIO()
    pyarrow.parquet.write_table(rows, content)  # unlike in CSV, an empty string is no null in it
    fields = [bigquery.SchemaField(name, COLUMN_TYPES[columns[name]]) for name in rows.column_names]
    config = bigquery.LoadJobConfig(
        source_format=bigquery.SourceFormat.PARQUET,
        write_disposition=bigquery.WriteDisposition.WRITE_TRUNCATE,
        schema=fields,
    )
    with stage.asking(f"the table {table.dataset_id}.{table.table_id}"):
        progress(
            f"{folder.name}: sending {rows.num_rows:,} rows "
            f"({content.tell() / 1e6:.1f} MB) to {table}"
        )
        job = stage.bigquery.load_table_from_file(content, table, rewind=True, job_config=config)
        progress(f"{folder.name}: {rows.num_rows:,} rows sent, BigQuery loads them")
        job.result()
        # Not by the job: it fails where a table has another description than the one it brings.
        table.description = (
            f"{data.origin}; licence: {data.licence}; `make load-data` replaces all of it"
        )
        table.labels = {"environment": stage.name, "managed-by": "esteira"}
        stage.bigquery.update_table(table, ["description", "labels"])
    seconds = round(time.monotonic() - start, 1)
    return Loaded(folder.name, str(table), job.output_rows, seconds)
