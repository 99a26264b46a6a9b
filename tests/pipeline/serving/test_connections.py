"""Connections and bodies as clients of all ages send them."""

import contextlib
import gzip
import json
import socket
import sys
from http.client import HTTPConnection

import pytest

from tests.load import open_loop
from tests.load.overload import resident_bytes
from tests.pipeline.serving.server_process import SECONDS, started

BODY = json.dumps({"instances": [{"x": "a"}]}).encode()
ANSWER = b'{"predictions":["a"]}'


@pytest.fixture(scope="module")
def port():
    with started(sys.executable, "-m", "tests.load.slowed_server", 0) as process:
        yield process.port


def until_closed(port: int, *parts: bytes) -> bytes:
    """All that the server sends until it closes the connection."""
    answer = b""
    with socket.create_connection(("127.0.0.1", port), SECONDS) as connection:
        for part in parts:
            connection.sendall(part)
        while received := connection.recv(1 << 16):
            answer += received
    return answer


def test_a_client_of_http_1_0_is_answered_and_its_connection_closed(port):
    head = b"POST /predict HTTP/1.0\r\ncontent-length: %d\r\n\r\n" % len(BODY)

    answer = until_closed(port, head, BODY)

    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(ANSWER)


def test_a_request_ahead_of_the_first_answer_is_answered_after_it(port):
    first = open_loop.request({"instances": [{"x": "first"}]})
    second = open_loop.request({"instances": [{"x": "second"}]}, connection="close")

    answer = until_closed(port, first + second)

    assert answer.count(b"HTTP/1.1 200 OK\r\n") == 2
    assert answer.index(b'["first"]') < answer.index(b'["second"]')


@pytest.mark.parametrize("headers", [{}, {"content-encoding": "gzip"}], ids=["plain", "gzip"])
def test_a_body_in_chunks_is_whole(port, headers):
    body = gzip.compress(BODY) if headers else BODY
    chunks = [body[place : place + 1] for place in range(len(body))]

    with contextlib.closing(HTTPConnection("127.0.0.1", port, timeout=SECONDS)) as client:
        client.request("POST", "/predict", iter(chunks), headers)
        response = client.getresponse()
        answer = response.read()

    assert response.status == 200
    assert answer == ANSWER


def test_a_bomb_in_gzip_leaves_the_server_as_small_as_it_was():
    bomb = gzip.compress(bytes(300_000_000))
    with started(sys.executable, "-m", "tests.load.slowed_server", 0) as process:
        before = resident_bytes(process.popen.pid)
        with contextlib.closing(process.connection()) as connection:
            connection.request("POST", "/predict", bomb, {"content-encoding": "gzip"})
            status = connection.getresponse().status
        grown = resident_bytes(process.popen.pid) - before

    assert status == 413
    assert grown < 40e6
