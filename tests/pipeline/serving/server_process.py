"""A server in a process of its own, for the tests to ask, to signal and to end."""

import contextlib
import http.client
import json
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Iterator

from settings import REPOSITORY

SECONDS = 60


class Process:
    """A server's process, its output, and requests to it."""

    def __init__(self, command: tuple[object, ...], variables: dict[str, str]) -> None:
        arguments = [str(argument) for argument in command]
        self.popen = subprocess.Popen(
            arguments,
            cwd=REPOSITORY,
            env=os.environ | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.said: list[str] = []
        reader = threading.Thread(target=self._read, daemon=True)
        reader.start()
        match = self.wait_for(r"http://[\d.]+:(\d+)/\S+ answers 503")
        self.port = int(match.group(1))

    def _read(self) -> None:
        for line in iter(self.popen.stdout.readline, ""):
            self.said.append(line)

    def output(self) -> str:
        return "".join(self.said)

    def wait_for(self, pattern: str) -> re.Match[str]:
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            match = re.search(pattern, self.output())
            if match:
                return match
            time.sleep(0.02)
        raise AssertionError(f"{pattern} was not said within {SECONDS} s, but: {self.output()}")

    def connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)

    def ask(self, method: str, path: str, body: object = None) -> tuple[int, str]:
        with contextlib.closing(self.connection()) as connection:
            content = None if body is None else json.dumps(body)
            connection.request(method, path, content)
            answer = connection.getresponse()
            text = answer.read().decode()
            return answer.status, text

    def status(self, method: str, path: str, body: object = None) -> int:
        status, _ = self.ask(method, path, body)
        return status

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
