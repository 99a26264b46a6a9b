"""The client that callers copy, against a server that answers as it is told."""

import time
import urllib.error
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from pipeline.serving import body
from pipeline.serving.client import predict

ANSWER = b'{"predictions": [0.5]}'


class Server(ThreadingHTTPServer):
    """Answers with the next of `answers`, (status, headers), and keeps the requests' headers."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: list[tuple[int, dict[str, str]]] = []
        self.requests: list[dict[str, str]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/predict"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        length = int(self.headers["content-length"])
        self.rfile.read(length)
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.requests.append(headers)
        status, answer_headers = self.server.answers.pop(0)
        self.send_response(status)
        for name, value in answer_headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(ANSWER)))
        self.end_headers()
        self.wfile.write(ANSWER)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.shutdown()


def test_a_prediction_is_returned(server: Server):
    server.answers = [(200, {})]

    assert predict(server.url, [{"fare": 1}]) == [0.5]


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_server_is_asked_again(server: Server, status: int):
    server.answers = [(status, {}), (200, {})]

    assert predict(server.url, [{}]) == [0.5]


def test_retry_after_is_respected(server: Server):
    server.answers = [(429, {"retry-after": "1"}), (200, {})]

    start = time.monotonic()
    predict(server.url, [{}])

    assert time.monotonic() - start >= 1


def test_a_date_to_retry_after_is_no_number_of_seconds(server: Server):
    server.answers = [(503, {"retry-after": "Sat, 28 Nov 2026 08:00:00 GMT"}), (200, {})]

    assert predict(server.url, [{}]) == [0.5]


def test_an_answer_that_is_cut_off_is_asked_for_again(server: Server):
    server.answers = [(200, {"content-length": "9999", "connection": "close"}), (200, {})]

    assert predict(server.url, [{}]) == [0.5]


@pytest.mark.parametrize("seconds", [0.1 * 3, 1 / 3, 60, 999999.5])
def test_a_timeout_is_one_that_the_server_takes(server: Server, seconds: float):
    server.answers = [(200, {})]

    predict(server.url, [{}], timeout_seconds=seconds)

    [headers] = server.requests
    timeout = headers["x-request-timeout"].encode()
    head = body.head([(b"x-request-timeout", timeout)])
    assert head.timeout_seconds == pytest.approx(seconds)


def test_a_refusal_is_raised_at_once(server: Server):
    server.answers = [(400, {}), (200, {})]

    with pytest.raises(urllib.error.HTTPError, match="400"):
        predict(server.url, [{}])
    assert len(server.requests) == 1


def test_the_last_attempt_raises(server: Server):
    server.answers = [(503, {}), (503, {})]

    with pytest.raises(urllib.error.HTTPError, match="503"):
        predict(server.url, [{}], attempts=2)


def test_a_server_that_is_not_there_is_an_os_error(server: Server):
    with pytest.raises(OSError, match="refused"):
        predict("http://127.0.0.1:1/predict", [{}], attempts=2)


def test_the_server_is_told_how_long_the_client_waits(server: Server):
    server.answers = [(200, {})]

    predict(server.url, [{}], timeout_seconds=3, headers={"authorization": "Bearer x"})

    [headers] = server.requests
    assert headers["x-request-timeout"] == "3.000000"
    assert headers["authorization"] == "Bearer x"
