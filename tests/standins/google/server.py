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
    content = json.dumps(body).encode()
    return Answer(status, content, {"content-type": "application/json"})


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, port: int, respond: Respond) -> None:
        methods = {"ask": staticmethod(respond)}
        handler = type("HandlerOfServer", (Handler,), methods)
        super().__init__(("127.0.0.1", port), handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A killed caller is no error of ours."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    ask: Respond
    protocol_version = "HTTP/1.1"

    def respond(self) -> None:
        size = int(self.headers.get("content-length") or 0)
        content = self.rfile.read(size)
        content_type = self.headers.get("content-type") or ""
        answer = self.ask(self.command, self.path, content, content_type)
        if answer.status == LOST:
            self.close_connection = True
            return
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(answer.content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.content)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = respond  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: `GoogleApis.requests` keeps them."""
