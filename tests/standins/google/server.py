"""The HTTP side of the stand-in for Google's APIs.

It reads requests and sends answers, except those that a fault loses.
"""

import json
import sys
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from tests.standins.google.faults import LOST


class Answer(NamedTuple):
    status: int
    content: bytes = b""
    headers: Mapping[str, str] = {}


Respond = Callable[[str, str, bytes, str], Answer]  # method, target, content, content type


def json_answer(status: int, body: Any) -> Answer:
    return Answer(status, json.dumps(body).encode(), {"content-type": "application/json"})


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, port: int, respond: Respond) -> None:
        super().__init__(
            ("127.0.0.1", port), type("HandlerOfServer", (Handler,), {"ask": staticmethod(respond)})
        )

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A killed caller is no error of ours."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    ask: Respond
    protocol_version = "HTTP/1.1"

    def respond(self) -> None:
        content = self.rfile.read(int(self.headers.get("content-length") or 0))
        answer = self.ask(self.command, self.path, content, self.headers.get("content-type") or "")
        if answer.status == LOST:
            self.close_connection = True
            return
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(b"" if self.command == "HEAD" else answer.content)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = respond  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: `GoogleApis.requests` keeps them."""
