"""A proxy before a stand-in's server, able to lose, refuse or delay a call."""

import contextlib
import http.client
import math
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

LOST = 0  # as a fault: the call is done, and the connection breaks before its answer
DROPPED = {"connection", "content-length", "host", "transfer-encoding"}


@dataclass
class Proxied:
    """A server for clients at `url`.

    Each call whose path holds `faulty_path` takes the next of `faults`, a status to answer with or
    LOST; then `outage`, as long as there is one. A larger body than the server's is a 413.
    """

    url: str
    behind: str  # HOST:PORT
    faulty_path: str
    faults: list[int] = field(default_factory=list)
    outage: int | None = None
    delay_seconds: float = 0.0  # of each faulty call
    largest_bytes: float = math.inf  # of a call's body
    refusal: Callable[[str, bytes], bytes | None] | None = None  # by a call's path and body: a 400


@contextlib.contextmanager
def proxied(behind: str, *, faulty_path: str, largest_bytes: float = math.inf) -> Iterator[Proxied]:
    proxy = _Server(("127.0.0.1", 0), FaultProxy)
    url = f"http://127.0.0.1:{proxy.server_port}"
    server = Proxied(url, behind, faulty_path, largest_bytes=largest_bytes)
    proxy.RequestHandlerClass = type("FaultProxyOfServer", (FaultProxy,), {"proxied": server})
    Thread(target=proxy.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield server
    finally:
        proxy.shutdown()
        proxy.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that left, or that ask on when the server has ended."""


class FaultProxy(BaseHTTPRequestHandler):
    """Forwards every call to the server, except for a due fault."""

    proxied: Proxied
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # the head and the body go out one after the other

    def handle(self) -> None:
        with contextlib.suppress(ConnectionError):  # a client that was killed
            super().handle()

    def do_POST(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        body = self.rfile.read(length)
        too_large = length > self.proxied.largest_bytes
        fault = 413 if too_large else self._due_fault()
        if fault:
            return self._answer(fault, [], b'{"error": {"message": "planted"}}')
        refusal = self.proxied.refusal and self.proxied.refusal(self.path, body)
        if refusal:
            json_type = [("content-type", "application/json")]
            return self._answer(400, json_type, refusal)
        status, headers, content = self._asked(body)
        if fault == LOST:
            self.close_connection = True
            return None
        return self._answer(status, headers, content)

    def _asked(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        """The server's answer; on a busy machine it drops a connection now and then."""
        request_headers = dict(_end_to_end(self.headers.items()))
        for pause_seconds in (0.1, 0.5, 0):
            connection = http.client.HTTPConnection(self.proxied.behind)
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
        """The fault of this call, if it is one of those and one is due."""
        if self.proxied.faulty_path not in self.path:
            return None
        time.sleep(self.proxied.delay_seconds)
        if self.proxied.faults:
            return self.proxied.faults.pop(0)
        return self.proxied.outage

    def do_GET(self) -> None:
        self.do_POST()

    def do_PATCH(self) -> None:
        self.do_POST()

    def do_PUT(self) -> None:
        self.do_POST()

    def do_DELETE(self) -> None:
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
