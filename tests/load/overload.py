"""What a server does while more is asked than its model can answer, and thereafter."""

import asyncio
import itertools
import threading
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

from tests.load import open_loop
from tests.load.open_loop import Exchanges

RECORDS = 250  # in a request: four make a batch, so that the model is the limit and not HTTP
CONNECTIONS = 9  # a batch, the next one, and a request for the one thereafter
HEALTH_SECONDS = 0.1  # between two questions for the server's health


@dataclass(frozen=True)
class Overload:
    peak: Exchanges
    excess: Exchanges  # at three times the peak
    after: Exchanges  # at half of the peak
    grown_bytes: int
    unhealthy: list[int]  # the statuses of /health that were not 200


def overload(
    port: int,
    pid: int,
    *,
    peak_seconds: float,
    seconds: float,
    records: int = RECORDS,
    connections: int = CONNECTIONS,
) -> Overload:
    """Measure the peak, offer three times as much, then half of it within two seconds."""
    body = {"instances": [{}] * records}
    requests = itertools.repeat(open_loop.request(body))
    peak = asyncio.run(open_loop.saturate(port, connections, peak_seconds, requests))
    before_bytes = resident_bytes(pid)
    with Health(port) as health:
        excess = asyncio.run(open_loop.offer(port, 3 * peak.goodput(), seconds, requests))
    grown_bytes = resident_bytes(pid) - before_bytes
    after = asyncio.run(open_loop.offer(port, peak.goodput() / 2, 2, requests))
    return Overload(peak, excess, after, grown_bytes, health.bad_statuses)


class Health:
    """Asks for the server's health in a thread until the end of its context."""

    def __init__(self, port: int) -> None:
        self.bad_statuses: list[int] = []
        self._url = f"http://127.0.0.1:{port}/health"
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._ask)

    def __enter__(self) -> "Health":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        self._thread.join()

    def _ask(self) -> None:
        while not self._ended.wait(HEALTH_SECONDS):
            status = _status(self._url)
            if status != 200:
                self.bad_statuses.append(status)


def _status(url: str) -> int:
    try:
        with urlopen(url, timeout=2) as response:
            return int(response.status)
    except OSError as error:  # an answer that is no 2xx is one too
        return int(getattr(error, "code", 0))


def resident_bytes(pid: int) -> int:
    """The memory that a process holds."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    _, _, after = status.partition("VmRSS:")
    kilobytes, _, _ = after.partition("kB")
    return int(kilobytes) * 1024


def figures(measured: Overload) -> list[str]:
    """One line a figure."""
    peak, excess, after = measured.peak, measured.excess, measured.after
    share = 100 * excess.goodput() / peak.goodput()
    return [
        f"peak {peak.goodput():.0f} requests/s, p99 {milliseconds(peak)}",
        f"at three times that: {excess.goodput():.0f} requests/s, {share:.0f} % of the peak",
        f"answers by status: {excess.statuses()}",
        f"p99 of 200 {milliseconds(excess)}, of 429 {milliseconds(excess, 429)}",
        f"memory {measured.grown_bytes / 1e6:+.1f} MB",
        f"health: {len(measured.unhealthy)} answers that were not 200",
        f"half of the peak right after: {after.statuses()}, p99 {milliseconds(after)}",
    ]


def milliseconds(exchanges: Exchanges, status: int = 200) -> str:
    """The slowest but a hundredth."""
    return f"{1000 * exchanges.percentile(99, status):.0f} ms"
