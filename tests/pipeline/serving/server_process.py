"""A server as a process: its output, and requests to it."""

import contextlib
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

from settings import REPOSITORY

ENTRYPOINT = (sys.executable, "-m", "pipeline.serving.server")
SECONDS = 60


class Process:
    """A server's process, its output, and requests to it."""

    def __init__(self, command: tuple[object, ...], variables: dict[str, str]) -> None:
        self.popen = subprocess.Popen(
            [str(argument) for argument in command],
            cwd=REPOSITORY,
            env=os.environ | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines: list[str] = []
        threading.Thread(target=self._read, daemon=True).start()
        match = self.wait_for(r"http://[\d.]+:(\d+)/\S+ answers 503")
        self.port = int(match.group(1))

    def _read(self) -> None:
        for line in self.popen.stdout:
            self.lines.append(line)

    @property
    def output(self) -> str:
        """Its whole output so far."""
        return "".join(self.lines)

    def wait_for(self, pattern: str) -> re.Match[str]:
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            if match := re.search(pattern, self.output):
                return match
            time.sleep(0.02)
        raise AssertionError(f"{pattern} was not said within {SECONDS} s, but: {self.output}")

    def connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)

    def ask(self, method: str, path: str, body: object = None) -> tuple[int, str]:
        content = None if body is None else json.dumps(body)
        with contextlib.closing(self.connection()) as connection:
            connection.request(method, path, content)
            response = connection.getresponse()
            return response.status, response.read().decode()

    def end(self, how: signal.Signals) -> int:
        self.popen.send_signal(how)
        return self.popen.wait(SECONDS)


@contextlib.contextmanager
def started(*command: object, **variables: str) -> Iterator[Process]:
    process = Process(command, {"AIP_HTTP_PORT": "0", **variables})
    try:
        yield process
    finally:
        process.popen.kill()
        process.popen.wait()
