"""A reloaded table is read again, even on the same day: Vertex's cache sees its time."""

import json
from datetime import date

import pyarrow as pa
import pytest
from google.api_core import exceptions

from environments import ENVIRONMENTS
from pipeline import spec
from pipeline.components import table_times
from pipeline.delivery import load_tables
from pipeline.gcp.stage import Stage
from pipeline.job import compiler
from pipeline.local.metadata_store import execution_key
from pipeline.model.folder import ModelFolder
from tests.pipeline.conftest import IMAGE, copy_small, edit
from tests.standins.bigquery_loads import BigQueryLoads
from tests.standins.bigquery_tables import Table

DEV = ENVIRONMENTS["dev"]
TABLE, VIEW = "mill-dev.dev_data.ferry", "mill-dev.dev_data.crossings"
RIDES = "mill-public.rides.rides"
OF_TABLE = f"GET /bigquery/v2/projects/mill-dev/datasets/dev_data/tables/{TABLE.split('.')[-1]}"


@pytest.fixture
def google(monkeypatch):
    with BigQueryLoads({"mill-dev.dev_data": DEV.region, "mill-public.rides": "US"}) as google:
        monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", google.url)
        rows = pa.table({"fare": [1.0]})
        google.tables[RIDES] = Table(rows, {})
        yield google


@pytest.fixture
def ferry(google, tmp_path):
    """A model with a table of its own, loaded."""
    folder = copy_small("ferry", tmp_path)
    load(folder)
    return folder


def load(folder):
    load_tables.load([ModelFolder.load(str(folder))], Stage(DEV), lambda _: None)


def compiled(folder):
    """The job of a model's folder, as on one day."""
    model = ModelFolder.load(str(folder))
    end = date(2026, 11, 27)
    cloud_spec = spec.cloud(model, DEV, image=IMAGE, serving_image=IMAGE, end=end)
    return compiler.compiled(cloud_spec, IMAGE)


@pytest.fixture
def ingestion_key(tmp_path):
    """The key of a compiled job's ingestion in Vertex's cache, after the job's own program."""

    def call(job):
        pipeline = job["pipelineSpec"]
        task = pipeline["root"]["dag"]["tasks"]["BigQueryExampleGen"]
        component = pipeline["components"]["BigQueryExampleGen"]
        executor = pipeline["deploymentSpec"]["executors"]["BigQueryExampleGen_executor"]
        inputs = task["inputs"]["parameters"]
        parameters = {name: value["runtimeValue"]["constant"] for name, value in inputs.items()}
        changes = program_output(executor["container"], parameters, tmp_path / "output/file.json")
        return execution_key(component, executor["container"], parameters | changes, {})

    return call


def program_output(container, parameters, file):
    """The parameters from the program run before the cache is asked."""
    program = container["lifecycle"]["preCacheCheck"]
    executor_input = {
        "inputs": {"parameterValues": parameters},
        "outputs": {"outputFile": str(file)},
    }
    text = json.dumps(executor_input)
    arguments = [argument.replace("{{$}}", text) for argument in program["args"]]
    assert program["command"] == ["python", "-m", "pipeline.components.table_times"]
    table_times.main(arguments)
    return json.loads(file.read_text())["parameterValues"]


def test_a_table_that_is_as_it_was_is_taken_from_the_cache(ferry, ingestion_key):
    job = compiled(ferry)

    assert ingestion_key(job) == ingestion_key(job)


def test_a_table_loaded_again_on_the_same_day_is_read_anew(ferry, ingestion_key):
    job = compiled(ferry)
    first_key = ingestion_key(job)

    load(ferry)

    assert ingestion_key(job) != first_key


@pytest.fixture
def job_of_view(google, ferry):
    """A job on a view of the ferry's table."""
    google.views[VIEW] = f"SELECT * FROM `{TABLE}`"
    edit(ferry / "query.sql", "@table", f"`{VIEW}`")
    edit(ferry / "model.toml", r"^window_days", f'location = "{DEV.region}"\nwindow_days')
    return compiled(ferry)


def test_a_table_behind_a_view_is_seen(ferry, job_of_view, ingestion_key):
    first_key = ingestion_key(job_of_view)
    same_key = ingestion_key(job_of_view)

    load(ferry)

    assert same_key == first_key
    assert ingestion_key(job_of_view) != first_key


def test_a_view_that_was_changed_is_seen(google, job_of_view, ingestion_key):
    first_key = ingestion_key(job_of_view)

    google.views[VIEW] = f"SELECT * FROM `{TABLE}` WHERE month = 1"

    assert ingestion_key(job_of_view) != first_key


def test_a_query_runs_where_its_data_lies(google, cab, ingestion_key):
    job = compiled(cab)

    ingestion_key(job)

    google.datasets["mill-public.rides"] = DEV.region
    with pytest.raises(exceptions.NotFound, match="was not found in location US"):
        ingestion_key(job)


@pytest.mark.parametrize("resource", [{"streamingBuffer": {}}, {"type": "EXTERNAL"}])
def test_what_cannot_tell_when_it_changed_is_read_anew(google, ferry, ingestion_key, resource):
    job = compiled(ferry)
    google.tables[TABLE].resource |= resource

    assert ingestion_key(job) != ingestion_key(job)


def test_a_table_that_may_not_be_looked_at_is_read_anew(google, ferry, ingestion_key):
    job = compiled(ferry)
    google.refusals[OF_TABLE] = 403

    assert ingestion_key(job) != ingestion_key(job)


def test_more_tables_than_bigquery_names_are_read_anew(google, ferry, ingestion_key, monkeypatch):
    monkeypatch.setattr(table_times, "MOST_TABLES", 1)
    job = compiled(ferry)

    assert ingestion_key(job) != ingestion_key(job)


def test_a_table_that_is_not_there_fails_in_bigquerys_words(google, ferry, ingestion_key):
    job = compiled(ferry)
    del google.tables[TABLE]

    with pytest.raises(exceptions.NotFound, match=r"Not found: Table mill-dev:dev_data.ferry"):
        ingestion_key(job)
