"""A small model that needs no training, and BigQuery's stand-in, for the server's tests."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from pipeline.serving.request_log.queue import RequestLog
from pipeline.serving.request_log.table import LogTable
from tests.load import small_model
from tests.pipeline.serving.logged_table import Table, started_log
from tests.standins import local_bigquery
from tests.standins.fault_proxy import Proxied


@pytest.fixture(scope="session")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small model's folder, to be copied."""
    folder = tmp_path_factory.mktemp("small") / "model"
    small_model.save(folder)
    return folder


@pytest.fixture(scope="session")
def started_bigquery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxied]:
    folder = tmp_path_factory.mktemp("bigquery")
    with local_bigquery.serving(folder) as server:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("BIGQUERY_EMULATOR_HOST", server.url)
            client = bigquery.Client("demo", AnonymousCredentials())
        client.create_dataset("demo.log")
        yield server


@pytest.fixture
def standin(started_bigquery: Proxied, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxied]:
    """BigQuery with the dataset demo.log, without a fault at first."""
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", started_bigquery.url)
    yield started_bigquery
    started_bigquery.faulty_path = "/insertAll"
    started_bigquery.faults.clear()
    started_bigquery.outage = None
    started_bigquery.delay_seconds = 0


@pytest.fixture
def client(standin: Proxied) -> Iterator[bigquery.Client]:
    with bigquery.Client("demo", AnonymousCredentials()) as client:
        yield client


@pytest.fixture
def table(client: bigquery.Client) -> Table:
    number = time.monotonic_ns()
    return Table(client, LogTable(f"demo.log.requests_{number}"))


@pytest.fixture
def log(table: Table, tmp_path: Path) -> Iterator[RequestLog]:
    log = started_log(table, tmp_path)
    yield log
    log.stop(0)
