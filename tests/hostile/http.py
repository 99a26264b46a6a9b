"""Hostile requests to a server of our own, which they all share."""

import atexit
import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path
from random import Random

from settings import REPOSITORY
from tests.hostile.case import Case, Outcome
from tests.hostile.http_requests import HostileRequest, requests
from tests.pipeline.serving.server_process import ENTRYPOINT, Process

SECONDS = 30  # for an answer
REFUSED = 1  # as a verb exits


def cases(random: Random) -> Iterator[Case]:
    """A case is refused in a sentence where the answer has a status that is right for it."""
    mixed_requests = list(requests(random))
    random.shuffle(mixed_requests)
    for request in mixed_requests:
        statuses = " or ".join(str(status) for status in request.statuses)
        name = f"{request.name}, to be answered {statuses}"
        yield Case(name, partial(outcome, request))


def outcome(request: HostileRequest, _scratch: Path) -> Outcome:
    """The answer; another status than the right one stays, and is no verb's exit code."""
    answer = exchange(server().port, request.content)
    if answer.code not in request.statuses:
        return answer
    return Outcome(REFUSED, answer.text)


@cache
def server() -> Process:
    """A server of the small model, until this process ends."""
    folder = tempfile.TemporaryDirectory(prefix="hostile-")
    model = f"{folder.name}/1"
    command = [sys.executable, "-m", "tests.load.small_model", model]
    variables = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    subprocess.run(command, cwd=REPOSITORY, env=variables, check=True)
    process = Process(ENTRYPOINT, {"AIP_HTTP_PORT": "0", "AIP_STORAGE_URI": model})
    atexit.register(folder.cleanup)
    atexit.register(process.popen.wait)
    atexit.register(process.popen.kill)
    process.wait_for("is ready")
    return process


def exchange(port: int, content: bytes) -> Outcome:
    """Send these bytes and read until the server closes."""
    with socket.create_connection(("127.0.0.1", port), SECONDS) as connection:
        # Refused before the last byte: the answer is there all the same.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(content)
        answer = bytearray()
        with contextlib.suppress(ConnectionResetError):
            while part := connection.recv(1 << 16):
                answer += part
    return _parsed(bytes(answer))


def _parsed(answer: bytes) -> Outcome:
    """The status of an answer and its sentence; 0 where there is none."""
    head, _, body = answer.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 "):
        return Outcome(0, answer.decode("utf-8", "replace"))
    text = body.decode("utf-8", "replace")
    if b"application/json" in head and body:
        text = json.loads(body).get("error", text)
    return Outcome(int(head[9:12]), text)
