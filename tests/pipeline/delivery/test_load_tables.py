"""`load-data`: a model's table holds the rows of its local source and no others.

A load that fails leaves the table as it was.
"""

import argparse
import csv
import json
from datetime import date

import pytest

from pipeline import spec
from pipeline.cli import load_data
from pipeline.delivery import load_tables
from pipeline.errors import ConfigurationError, DataError, RunError
from pipeline.gcp import clients
from pipeline.gcp.stage import Stage
from pipeline.model import query
from pipeline.model.folder import ModelFolder
from tests.pipeline.conftest import copy_small, edit
from tests.pipeline.delivery.conftest import DEV
from tests.standins.bigquery_loads import BigQueryLoads
from tests.team import MODELS

ROWS = 300  # of the ferry
DATASET, TABLE = "mill-dev.dev_data", "mill-dev.dev_data.ferry"


@pytest.fixture
def google(monkeypatch):
    with BigQueryLoads({DATASET: DEV.region}) as google:
        monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", google.url)
        yield google


@pytest.fixture
def ferry(tmp_path):
    return copy_small("ferry", tmp_path)


def load(path, progress=lambda _: None):
    folder, stage = ModelFolder.load(str(path)), Stage(DEV)
    return load_tables.load([folder], stage, progress)


def run(*models, env="dev", as_json=False):
    options = argparse.Namespace(env=env, models=list(models), json=as_json)
    return load_data.run(options)


def test_the_table_holds_every_row_of_the_source_and_na_is_null(google, capsys):
    source = MODELS / "ferry/rows.csv"
    with source.open(newline="") as file:
        delays = [row["delay"] for row in csv.DictReader(file)]

    code = run("ferry", as_json=True)

    output = capsys.readouterr().out
    [summary] = json.loads(output)
    assert code == 0
    assert summary["table"] == TABLE
    assert summary["rows"] == ROWS
    rows = google.tables[TABLE].rows
    first_row, *_ = rows.to_pylist()
    missing_delays = delays.count("NA")
    assert missing_delays > 0
    assert rows.num_rows == ROWS
    assert rows["delay"].null_count == missing_delays
    assert first_row["time_hour"] == "2013-01-01T06:00:00Z"


def test_the_columns_have_the_types_of_the_reviewed_schema(google, ferry):
    schema = ferry / "schema.pbtxt"
    edit(schema, 'name: "crossing_minutes" type: INT', 'name: "crossing_minutes" type: FLOAT')
    edit(schema, r"int_domain \{ min: 1 max: 1440 \}", "float_domain { min: 1 max: 1440 }")

    load(ferry)

    fields = google.tables[TABLE].resource["schema"]["fields"]
    types = {field["name"]: field["type"] for field in fields}
    assert len(types) == 9
    assert types["ship"] == "STRING"
    assert types["harbour"] == "STRING"
    assert types["time_hour"] == "STRING"
    assert types["delay"] == "INT64"
    assert types["crossing_minutes"] == "FLOAT64"


def test_loading_twice_leaves_the_same_table(google, ferry):
    load(ferry)
    first_table = google.tables[TABLE]

    [loaded] = load(ferry)

    table = google.tables[TABLE]
    assert table is not first_table
    assert table == first_table
    assert loaded.rows == ROWS


def test_the_table_is_told_apart_by_environment_and_tells_origin_and_licence(google, ferry):
    load(ferry)
    edit(ferry / "model.toml", r"^origin = .*$", 'origin = "elsewhere"', first=True)

    load(ferry)

    resource = google.tables[TABLE].resource
    description = "elsewhere; licence: CC0-1.0; `make load-data` replaces all of it"
    assert resource["labels"] == {"environment": "dev", "managed-by": "esteira"}
    assert resource["description"] == description


def test_what_is_loaded_is_what_the_compiled_query_reads(google, ferry):
    [loaded] = load(ferry)

    folder, end = ModelFolder.load(str(ferry)), date(2026, 11, 24)
    cloud_spec = spec.cloud(folder, DEV, image="i", serving_image="s", end=end)
    assert f"FROM `{loaded.table}`)" in cloud_spec.source.query


def test_by_default_all_models_that_need_a_table_are_loaded():
    [folder] = load_tables.chosen([])

    assert folder.name == "ferry"


def test_a_table_that_only_a_comment_asks_for_is_not_needed(tmp_path):
    cab = copy_small("cab", tmp_path)
    query_file = cab / "query.sql"
    with query_file.open("a") as file:
        file.write("-- not from @table\n")
    folder = ModelFolder.load(str(cab))

    assert not query.reads_own_table(folder)


def test_where_no_model_needs_a_table_nothing_is_asked(google, monkeypatch, capsys):
    monkeypatch.setattr(load_tables, "model_names", lambda: ["cab"])

    code = run()

    output = capsys.readouterr().out
    assert code == 0
    assert output == "no model's query.sql asks for @table: there is nothing to load\n"
    assert google.requests == []


@pytest.mark.parametrize(
    ("models", "env", "says"),
    [
        ([], "test", "--env is 'test', allowed are dev, staging, prod"),
        (
            ["trains"],
            "dev",
            "there is no model 'trains', allowed are cab, ferry and a path to a folder",
        ),
        (
            ["ferry", "cab"],
            "dev",
            (
                "cab needs no table: its query.sql asks for no @table but reads one that is there "
                "already"
            ),
        ),
    ],
)
def test_what_cannot_be_loaded_is_named_before_google_is_asked(google, models, env, says):
    with pytest.raises(ConfigurationError) as refusal:
        run(*models, env=env)

    assert str(refusal.value) == says
    assert google.requests == []


def test_a_missing_source_is_named_before_google_is_asked(google, ferry):
    source = ferry / "rows.csv"
    source.unlink()
    message = r"rows\.csv: there is no such file, .*/model\.toml names it in data\.source"

    with pytest.raises(DataError, match=message):
        load(ferry)

    assert not google.requests


def test_rows_that_are_not_as_the_schema_says_are_not_sent(google, ferry):
    edit(ferry / "rows.csv", "2013,1,1,", "2013,January,1,", first=True)

    with pytest.raises(DataError, match="the column month holds January in row 2"):
        load(ferry)

    assert not google.tables
    assert not google.jobs


def test_a_missing_dataset_is_named_with_what_tells_more_and_nothing_is_sent(google, ferry):
    google.datasets.clear()

    with pytest.raises(RunError) as failure:
        load(ferry)

    assert str(failure.value) == (
        "the dataset dev_data is not there in mill-dev: `make doctor env=dev` says what is missing"
    )
    assert len(google.requests) == 1


@pytest.mark.parametrize(
    "refused", ["GET /bigquery/v2/projects/mill-dev/datasets", "POST /upload", "PUT /upload"]
)
def test_what_google_refuses_is_one_sentence_and_the_table_stays_as_it_was(google, ferry, refused):
    load(ferry)
    first_table = google.tables[TABLE]
    google.refusals[refused] = 403
    message = r"Google refuses it in mill-dev \(.*planted.*\): `make doctor env=dev`"

    with pytest.raises(RunError, match=message):
        load(ferry)

    assert google.tables == {TABLE: first_table}


def test_a_load_job_that_fails_is_told_in_its_own_words_and_the_table_stays_as_it_was(
    google, ferry
):
    load(ferry)
    first_table = google.tables[TABLE]
    google.refusals["job"] = 400
    answer = "Google answered 400: Error while reading data: planted"

    with pytest.raises(RunError, match=rf"the table dev_data\.ferry: {answer}"):
        load(ferry)

    assert google.tables == {TABLE: first_table}


def test_without_credentials_it_says_how_to_get_some(monkeypatch, tmp_path, ferry):
    missing_file = str(tmp_path / "nowhere.json")
    monkeypatch.delenv("BIGQUERY_EMULATOR_HOST", raising=False)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", missing_file)
    message = "there are no valid Google credentials: run `gcloud auth application-default login`"

    with pytest.raises(RunError, match=message):
        load(ferry)


def test_a_network_that_is_not_there_is_told_soon(monkeypatch, google, ferry):
    monkeypatch.setattr(load_tables, "ANSWER_SECONDS", 0.1)
    google.__exit__()

    with pytest.raises(RunError, match="the dataset dev_data: Google could not be reached"):
        load(ferry)


def test_progress_tells_how_many_rows_are_on_their_way(google, ferry):
    lines = []

    load(ferry, lines.append)

    beginnings = [line.split("/")[0] for line in lines]
    assert beginnings == [
        "ferry: reading ",
        f"ferry: sending {ROWS:,} rows (0.0 MB) to {TABLE}",
        f"ferry: {ROWS:,} rows sent, BigQuery loads them",
    ]


def test_the_stand_in_refuses_a_column_of_another_type(google, tmp_path):
    import pyarrow as pa
    from google.api_core.exceptions import BadRequest
    from google.cloud import bigquery

    table = pa.table({"n": ["one"]})
    file = tmp_path / "rows"
    pa.parquet.write_table(table, file)
    field = bigquery.SchemaField("n", "INT64")
    config = bigquery.LoadJobConfig(source_format="PARQUET", schema=[field])
    client = clients.bigquery("mill-dev", DEV.region)
    message = r"has type BYTE_ARRAY which does not match .* INT64"

    with file.open("rb") as rows, pytest.raises(BadRequest, match=message):
        job = client.load_table_from_file(rows, f"{DATASET}.t", job_config=config)
        job.result()

    assert not google.tables
