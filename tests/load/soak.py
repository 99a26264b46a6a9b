"""A logging server at half of its peak, while everything that happens to a server happens.

    python -m tests.load.soak [--seconds 600]

One request of twenty is hostile. BigQuery goes away for a tenth of the time, two versions are
published, then the server is told to stop and started again, then killed and started again. The
figures are printed; the exit code is 1 where a bound does not hold.
"""

import argparse
import asyncio
import itertools
import re
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from socket import create_server

from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from tests.hostile import http_requests
from tests.load import open_loop, small_model
from tests.load.open_loop import Exchanges
from tests.load.overload import resident_bytes
from tests.pipeline.serving.server_process import Process
from tests.standins import local_bigquery
from tests.standins.fault_proxy import Proxied

TABLE = "demo.log.requests"
HOSTILE_SHARE = 0.05
FLUSH_SECONDS = 1.0
SETTLE_SECONDS = 60
SMALL_BYTES = 10_000  # of a hostile request: the large ones take more than a share of the load
CONNECTIONS = 16
Span = tuple[float, float]  # by the monotonic clock


@dataclass
class Soak:
    """What was seen from outside."""

    rate: float = 0.0  # good requests a second
    good: Exchanges = field(default_factory=lambda: Exchanges(1))
    hostile: Exchanges = field(default_factory=lambda: Exchanges(1))
    restarts: list[Span] = field(default_factory=list)
    scrapes: list[dict[str, int]] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)  # bytes: before the faults, before the restarts
    rows: int = 0  # of the view

    def lost(self) -> int:
        """Good requests without an answer that were due while no server was being restarted."""
        failed = [exchange.due for exchange in self.good.all if exchange.status != 200]
        return sum(not self._restarting(due) for due in failed)

    def _restarting(self, due: float) -> bool:
        return any(start - 1 <= due <= end for start, end in self.restarts)

    def unequal_scrapes(self) -> int:
        return sum(not _adds_up(scrape) for scrape in self.scrapes)

    def missing_rows(self) -> int:
        return self.good.count(200) - self.rows

    def growth(self) -> float:
        first, last = self.sizes
        return last / first - 1

    def problems(self) -> Iterator[str]:
        """The bounds that do not hold."""
        if self.lost():
            yield f"{self.lost()} good requests were lost while no server was restarted"
        wrong_statuses = {status for status in self.hostile.statuses() if status >= 500}
        if wrong_statuses - {503}:
            yield f"hostile requests were answered {sorted(wrong_statuses)}"
        if self.unequal_scrapes():
            yield f"{self.unequal_scrapes()} scrapes of the log do not add up"
        if self.missing_rows() > 2 * FLUSH_SECONDS * self.rate:
            yield f"{self.missing_rows()} rows are missing, more than one flush of a killed server"
        if self.growth() > 0.1:
            yield f"memory has grown by {100 * self.growth():.0f} %"

    def figures(self) -> Iterator[str]:
        yield f"good requests: {self.rate:.0f}/s, by status {self.good.statuses()}"
        yield f"p99 {1000 * self.good.p99():.0f} ms; lost outside the restarts: {self.lost()}"
        yield f"hostile requests by status: {self.hostile.statuses()}"
        yield f"scrapes: {len(self.scrapes)}, of which {self.unequal_scrapes()} do not add up"
        yield f"rows in the view: {self.rows}, {self.missing_rows()} fewer than answers"
        yield f"memory: {100 * self.growth():+.1f} %"


def _adds_up(scrape: dict[str, int]) -> bool:
    places = dict(scrape)
    sampled = places.pop("sampled")
    return sampled == sum(places.values())


class Server:
    """A logging server that keeps its port and its store through restarts."""

    def __init__(self, folder: Path, bigquery_url: str) -> None:
        self._folder = folder
        self._variables = {"BIGQUERY_EMULATOR_HOST": bigquery_url}
        self._model = folder / "model"
        small_model.save(self._model)
        with create_server(("127.0.0.1", 0)) as free:
            _, self.port = free.getsockname()
        self.publish("1")
        self.process = self._started()

    def _started(self) -> Process:
        place = ("--runs", self._folder, "--port", self.port)
        log = ("--request-log", TABLE, "--sampling-rate", 1)
        command = (sys.executable, "-m", "pipeline", "serve", "small", *place, *log)
        process = Process(command, self._variables)
        process.wait_for("is ready after")
        return process

    def publish(self, version: str) -> None:
        published = self._folder / "store/small/published"
        unfinished = published / f".{version}"
        shutil.copytree(self._model, unfinished)
        unfinished.rename(published / version)

    def restart(self, how: signal.Signals) -> Span:
        start = time.monotonic()
        self.process.end(how)
        self.process = self._started()
        return start, time.monotonic()

    def scrape(self) -> dict[str, int]:
        """The log's figures by place, empty where no server answers."""
        try:
            _, text = self.process.ask("GET", "/metrics")
        except OSError:
            return {}
        pattern = r"^esteira_log_(\w+?)(?:_total)?(?:\{.*\})? ([\d.e+]+)$"
        pairs = re.findall(pattern, text, re.MULTILINE)
        return {place: int(float(number)) for place, number in pairs}


def soak(seconds: float, folder: Path, standin: Proxied) -> Soak:
    client = bigquery.Client(
        "demo", AnonymousCredentials(), client_options={"api_endpoint": standin.url}
    )
    client.create_dataset("demo.log")
    server = Server(folder, standin.url)
    result = Soak()
    try:
        result.rate = _half_of_peak(server)
        before = _answered_before(server)
        faults = threading.Thread(target=_happen, args=(seconds, server, standin, result))
        faults.start()
        result.good, result.hostile = asyncio.run(_offer(server.port, result.rate, seconds))
        faults.join()
        result.scrapes.append(_settled(server))
        [row] = client.query(f"SELECT COUNT(*) AS n FROM `{TABLE}_once`").result()
        result.rows = row.n - before
    finally:
        server.process.popen.kill()
        server.process.popen.wait()
    return result


def _half_of_peak(server: Server) -> float:
    requests = itertools.repeat(_question())
    peak = asyncio.run(open_loop.saturate(server.port, CONNECTIONS, 3, requests))
    return peak.goodput() / 2


def _answered_before(server: Server) -> int:
    return server.scrape()["sampled"]


def _question() -> bytes:
    return open_loop.request({"instances": [small_model.SAMPLE]})


async def _offer(port: int, rate: float, seconds: float) -> tuple[Exchanges, Exchanges]:
    good_requests = itertools.repeat(_question())
    hostile_rate = rate * HOSTILE_SHARE / (1 - HOSTILE_SHARE)
    return await asyncio.gather(
        open_loop.offer(port, rate, seconds, good_requests),
        open_loop.offer(port, hostile_rate, seconds, _hostile_requests()),
    )


def _hostile_requests() -> Iterator[bytes]:
    random = Random(1)
    requests = [
        request.content
        for request in http_requests.requests(random)
        if len(request.content) < SMALL_BYTES and set(request.statuses) <= set(range(400, 500))
    ]
    return itertools.cycle(requests)


def _happen(seconds: float, server: Server, standin: Proxied, result: Soak) -> None:
    """The faults at their times, and a scrape each second in between."""
    start = time.monotonic()

    def until(share: float) -> None:
        while time.monotonic() < start + share * seconds:
            if scrape := server.scrape():
                result.scrapes.append(scrape)
            time.sleep(1)

    until(0.15)
    result.sizes.append(resident_bytes(server.process.popen.pid))
    standin.outage = 503
    until(0.25)
    standin.outage = None
    until(0.35)
    server.publish("2")
    until(0.45)
    server.publish("3")
    until(0.6)
    result.sizes.append(resident_bytes(server.process.popen.pid))
    result.restarts.append(server.restart(signal.SIGTERM))
    until(0.8)
    result.restarts.append(server.restart(signal.SIGKILL))
    until(1)


def _settled(server: Server) -> dict[str, int]:
    """The last scrape, once nothing waits any more."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while time.monotonic() < deadline:
        scrape = server.scrape()
        if not scrape["queued"] and not scrape["spooled"]:
            break
        time.sleep(0.5)
    return scrape


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=600)
    options = parser.parse_args()
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="soak-"))
        standin = stack.enter_context(local_bigquery.serving(Path(folder) / "bigquery"))
        result = soak(options.seconds, Path(folder) / "runs", standin)
    for line in result.figures():
        print(line)
    problems = list(result.problems())
    for problem in problems:
        print(f"does not hold: {problem}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
