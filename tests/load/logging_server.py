"""A server of published versions that logs all of its requests, and is restarted under load."""

import re
import shutil
import signal
import sys
import time
from collections import Counter
from pathlib import Path
from socket import create_server

from tests.pipeline.serving.server_process import Process

TABLE = "demo.log.requests"
SETTLE_SECONDS = 60
Scrape = dict[str, int]  # the log's figures by place
Span = tuple[float, float]  # by the monotonic clock


class LoggingServer:
    """It keeps its port and its store through restarts."""

    def __init__(self, folder: Path, model: Path, bigquery_url: str) -> None:
        """`folder` becomes the store of the small `model`."""
        self._folder = folder
        self._model = model
        self._variables = {"BIGQUERY_EMULATOR_HOST": bigquery_url, "TF_CPP_MIN_LOG_LEVEL": "3"}
        with create_server(("127.0.0.1", 0)) as free:
            _, self.port = free.getsockname()
        self._publish("1")
        self.process = self._started()

    def _started(self) -> Process:
        place = ("--runs", self._folder, "--port", self.port)
        log = ("--request-log", TABLE, "--sampling-rate", 1)
        command = (sys.executable, "-m", "pipeline", "serve", "small", *place, *log)
        process = Process(command, self._variables)
        process.wait_for("is ready after")
        return process

    def swap(self, version: str) -> None:
        """Publish a version and return when it serves."""
        self._publish(version)
        self.process.wait_for(f"version {version} serves now")

    def _publish(self, version: str) -> None:
        published = self._folder / "store/small/published"
        unfinished = published / f".{version}"
        shutil.copytree(self._model, unfinished)
        unfinished.rename(published / version)

    def restart(self, how: signal.Signals) -> Span:
        start = time.monotonic()
        self.process.end(how)
        self.process = self._started()
        return start, time.monotonic()

    def scrape(self) -> Scrape:
        """The log's figures, empty where no server answers."""
        try:
            _, text = self.process.ask("GET", "/metrics")
        except OSError:
            return {}
        pattern = r"^esteira_log_(\w+?)(?:_total)?(?:\{.*\})? ([\d.e+]+)$"
        scrape: Scrape = Counter()
        for place, number in re.findall(pattern, text, re.MULTILINE):
            scrape[place] += int(float(number))  # what is dropped has a line a reason
        return scrape

    def settled(self) -> Scrape:
        """The figures once nothing waits any more."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while time.monotonic() < deadline:
            scrape = self.scrape()
            if scrape and not scrape["queued"] and not scrape["spooled"]:
                return scrape
            time.sleep(0.5)
        raise AssertionError(f"not settled within {SETTLE_SECONDS} s: {scrape}")

    def kill(self) -> None:
        self.process.popen.kill()
        self.process.popen.wait()
