"""A team's own mlflow server behind a proxy that can lose or refuse a call, and a stage."""

import contextlib
import http.client
import socket
import subprocess
import sys
import time

import pytest
from google.cloud import storage

from environments import DEV
from pipeline.gcp.stage import Stage
from settings import REPOSITORY
from tests.standins import object_store
from tests.standins.fault_proxy import proxied

START_SECONDS = 120  # on a busy machine; 8 on an idle one


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """HOST:PORT of mlflow's own server, started once."""
    folder = tmp_path_factory.mktemp("server")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = "{}:{}".format(*free.getsockname())
    host, _, port = address.partition(":")
    where = ["--backend-store-uri", "sqlite:///server.db", "--artifacts-destination", "./files"]
    command = ["mlflow", "server", *where, "--workers", "1", "--host", host, "--port", port]
    with subprocess.Popen(
        [sys.executable, str(REPOSITORY / "build/environment"), "experiments", *command],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            _wait_for(address)
            yield address
        finally:
            process.terminate()


def _wait_for(address):
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection(address, timeout=5)
            connection.request("GET", "/health")
            if connection.getresponse().status == 200:
                return
        time.sleep(0.2)
    raise AssertionError(f"no mlflow server within {START_SECONDS} s")


@pytest.fixture
def team_server(server):
    """The server by a proxy whose calls of mlflow's API take the next fault."""
    with proxied(server, faulty_path="/api/") as proxy:
        yield proxy


@pytest.fixture
def dev(google, monkeypatch):
    """Dev with an artifacts bucket, in which reports lie."""
    with object_store.serving() as store:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", store.url)
        stage = Stage(DEV)
        storage.Client(project=stage.project).create_bucket(stage.artifacts.name)
        yield stage
