"""A server for Terraform's state: fake-gcs-server.

The gcs backend and its locking are the real ones; only the bucket is not.
"""

import json
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from socket import create_server
from typing import Self

from tests.standins.object_store import command


class StateServer:
    """Serves the buckets kept in `directory` while it is entered."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        with create_server(("127.0.0.1", 0)) as free:
            _, self._port = free.getsockname()
        self.url = f"http://127.0.0.1:{self._port}"

    def _command(self) -> list[str | Path]:
        """Start the server as a process of our own.

        The package's own class would lose its buckets when it stops, and change this process'
        environment.
        """
        # objects are read under the public host: where it is another, Terraform takes an existing
        # state for none and writes over it
        address = ("-external-url", self.url, "-public-host", f"127.0.0.1:{self._port}")
        return command(
            self._port, *address, "-backend", "filesystem", "-filesystem-root", self.directory
        )

    def __enter__(self) -> Self:
        self.directory.mkdir(parents=True, exist_ok=True)
        self._process = subprocess.Popen(
            self._command(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            self._wait()
        except Exception:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def environment(self) -> dict[str, str]:
        """The environment of Terraform's gcs backend and Google's storage clients."""
        return {
            "GOOGLE_BACKEND_STORAGE_CUSTOM_ENDPOINT": f"{self.url}/storage/v1/",
            "STORAGE_EMULATOR_HOST": self.url,
            "GOOGLE_OAUTH_ACCESS_TOKEN": "stand-in",
        }

    def make_bucket(self, name: str) -> None:
        body = json.dumps({"name": name})
        self._ask(body.encode())

    def _ask(self, body: bytes | None = None) -> None:
        url = f"{self.url}/storage/v1/b?project=p"
        request = urllib.request.Request(url, body, {"content-type": "application/json"})
        response = urllib.request.urlopen(request, timeout=5)
        response.close()

    def _wait(self, seconds: float = 10) -> None:
        deadline = time.monotonic() + seconds
        while True:
            try:
                return self._ask()
            except urllib.error.URLError:
                exit_code = self._process.poll()
                if exit_code is not None or time.monotonic() > deadline:
                    raise RuntimeError(
                        f"fake-gcs-server doesn't answer on {self.url}, exit code {exit_code}"
                    ) from None
            time.sleep(0.05)
