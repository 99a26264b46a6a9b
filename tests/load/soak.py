"""A logging server at half of its peak, while everything that happens to a server happens.

    python -m tests.load.soak [--seconds 600]

One request of twenty is hostile. BigQuery goes away for a tenth of the time, two versions are
published, then the server is told to stop and started again, then killed and started again. The
figures are printed; the exit code is 1 where a bound does not hold.
"""

import argparse
import asyncio
import itertools
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from settings import REPOSITORY
from tests.hostile import http_requests
from tests.load import open_loop, small_model
from tests.load.logging_server import TABLE, LoggingServer, Scrape, Span
from tests.load.open_loop import Exchanges
from tests.load.overload import milliseconds, resident_bytes
from tests.load.verdict import told
from tests.standins import local_bigquery
from tests.standins.fault_proxy import Proxied

HOSTILE_SHARE = 0.05
FLUSH_SECONDS = 1.0
SMALL_BYTES = 10_000  # of a hostile request: the large ones take more than a share of the load
CONNECTIONS = 16
SHED_SHARE = 0.01  # of the good requests: 429, where the machine does other work for a while
GROWTH = 0.1  # of the memory


@dataclass
class Soak:
    """What was seen from outside."""

    rate: float = 0.0  # good requests a second
    good: Exchanges = field(default_factory=lambda: Exchanges(1))
    hostile: Exchanges = field(default_factory=lambda: Exchanges(1))
    restarts: list[Span] = field(default_factory=list)
    scrapes: list[Scrape] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)  # bytes: before the faults, before the restarts
    rows: int = 0  # of the view

    def lost(self) -> int:
        """Good requests without an answer that were due while no server was being restarted."""
        failed = [exchange.due for exchange in self.good.all if exchange.status not in (200, 429)]
        return sum(not self._restarting(due) for due in failed)

    def _restarting(self, due: float) -> bool:
        return any(start - 1 <= due <= end for start, end in self.restarts)

    def shed_share(self) -> float:
        return self.good.count(429) / len(self.good.all)

    def unequal_scrapes(self) -> int:
        return sum(not _adds_up(scrape) for scrape in self.scrapes)

    def most_spooled(self) -> int:
        return max(scrape["spooled"] for scrape in self.scrapes)

    def dropped(self) -> int:
        return max(scrape.get("dropped", 0) for scrape in self.scrapes)

    def missing_rows(self) -> int:
        """Answers without a row; less than none where a killed server logged what it answered."""
        return self.good.count(200) - self.rows

    def growth(self) -> float:
        first, last = self.sizes
        return last / first - 1

    def problems(self) -> Iterator[str]:
        """The bounds that do not hold."""
        if self.lost():
            yield f"{self.lost()} good requests were lost while no server was restarted"
        if self.shed_share() > SHED_SHARE:
            yield f"{100 * self.shed_share():.1f} % of the good requests were told 429"
        wrong_statuses = {status for status in self.hostile.statuses() if status >= 500}
        if wrong_statuses - {503}:
            yield f"hostile requests were answered {sorted(wrong_statuses)}"
        if self.unequal_scrapes():
            yield f"{self.unequal_scrapes()} scrapes of the log do not add up"
        if self.dropped() or not self.most_spooled():
            yield f"the outage left {self.most_spooled()} rows on disk and {self.dropped()} dropped"
        if abs(self.missing_rows()) > 2 * FLUSH_SECONDS * self.rate:
            yield f"{self.missing_rows()} rows are missing, more than one flush of a killed server"
        if self.growth() > GROWTH:
            yield f"memory has grown by {100 * self.growth():.0f} %"

    def figures(self) -> Iterator[str]:
        yield f"good requests: {self.rate:.0f}/s, by status {self.good.statuses()}"
        yield f"p99 {milliseconds(self.good)}; lost outside the restarts: {self.lost()}"
        yield f"hostile requests by status: {self.hostile.statuses()}"
        yield f"scrapes: {len(self.scrapes)}, of which {self.unequal_scrapes()} do not add up"
        yield f"most rows on disk: {self.most_spooled()}, dropped: {self.dropped()}"
        yield f"rows in the view: {self.rows}, {self.missing_rows()} fewer than answers"
        yield f"memory: {100 * self.growth():+.1f} %"


def _adds_up(scrape: Scrape) -> bool:
    places = dict(scrape)
    sampled = places.pop("sampled")
    return sampled == sum(places.values())


def soak(seconds: float, folder: Path, model: Path, standin: Proxied, share: float = 0.5) -> Soak:
    """Load a server of the small `model` with this share of its peak; its store is in `folder`."""
    client = bigquery.Client(
        "demo", AnonymousCredentials(), client_options={"api_endpoint": standin.url}
    )
    client.create_dataset("demo.log", exists_ok=True)
    server = LoggingServer(folder, model, standin.url)
    result = Soak()
    try:
        result.rate = share * _peak(server.port)
        rows_before = server.settled()["written"]
        asyncio.run(_all(seconds, server, standin, result))
        result.scrapes.append(server.settled())
        [row] = client.query(f"SELECT COUNT(*) AS n FROM `{TABLE}_once`").result()
        result.rows = row.n - rows_before
    finally:
        server.kill()
    return result


def _peak(port: int) -> float:
    requests = itertools.repeat(_question())
    peak = asyncio.run(open_loop.saturate(port, CONNECTIONS, 3, requests))
    return peak.goodput()


def _question() -> bytes:
    return open_loop.request({"instances": [small_model.SAMPLE]})


async def _all(seconds: float, server: LoggingServer, standin: Proxied, result: Soak) -> None:
    """Both kinds of requests, and the faults in a thread of their own."""
    good_requests = itertools.repeat(_question())
    hostile_rate = result.rate * HOSTILE_SHARE / (1 - HOSTILE_SHARE)
    result.good, result.hostile, _ = await asyncio.gather(
        open_loop.offer(server.port, result.rate, seconds, good_requests),
        open_loop.offer(server.port, hostile_rate, seconds, _hostile_requests()),
        asyncio.to_thread(_happen, seconds, server, standin, result),
    )


def _hostile_requests() -> Iterator[bytes]:
    random = Random(1)
    requests = [
        request.content
        for request in http_requests.requests(random)
        if len(request.content) < SMALL_BYTES and set(request.statuses) <= set(range(400, 500))
    ]
    return itertools.cycle(requests)


def _happen(seconds: float, server: LoggingServer, standin: Proxied, result: Soak) -> None:
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
    server.swap("2")
    until(0.45)
    server.swap("3")
    until(0.6)
    result.sizes.append(resident_bytes(server.process.popen.pid))
    result.restarts.append(server.restart(signal.SIGTERM))
    until(0.8)
    result.restarts.append(server.restart(signal.SIGKILL))
    until(1)


def _save_model(folder: Path) -> None:
    """In a process of its own: TensorFlow's own lines can't be turned off."""
    command = [sys.executable, "-m", "tests.load.small_model", folder]
    subprocess.run(command, cwd=REPOSITORY, capture_output=True, check=True)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=600)
    options = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="soak-")))
        standin = stack.enter_context(local_bigquery.serving(folder / "bigquery"))
        _save_model(folder / "model")
        result = soak(options.seconds, folder / "runs", folder / "model", standin)
    return told(result)


if __name__ == "__main__":
    sys.exit(main())
