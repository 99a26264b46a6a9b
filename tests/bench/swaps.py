"""Twenty newly published versions, swapped in while a server is asked half of what it can answer.

Prints what the requests saw, and the server's memory and threads after each fifth swap; the exit
code is 1 where a bound does not hold.
"""

import argparse
import asyncio
import gc
import itertools
import re
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.load import open_loop, small_model
from tests.load.open_loop import Exchanges
from tests.load.verdict import told
from tests.pipeline.serving.server_process import Process, started

SWAPS = 20
SETTLED_SWAPS = 5  # after which memory is to stay as it is
PEAK_CONNECTIONS, PEAK_SECONDS = 16, 3
PAUSE_SECONDS = 1.0  # between two swaps
SETTLE_SECONDS = 0.5  # until the old model's thread has ended
SWAP_SECONDS = 3.7  # with its pause: a version rests for a second before it is loaded
LARGEST_P99_SECONDS = 0.1
LARGEST_GROWTH = 0.05


@dataclass
class Swaps:
    """What was seen from outside."""

    rate: float  # requests a second
    exchanges: Exchanges = field(default_factory=lambda: Exchanges(1))
    spans: list[tuple[float, float]] = field(default_factory=list)  # publish to swapped, monotonic
    kilobytes: list[int] = field(default_factory=list)  # resident, after each swap
    threads: list[int] = field(default_factory=list)

    def failed(self) -> int:
        return len(self.exchanges.all) - self.exchanges.count(200)

    def p99_meanwhile(self) -> float:
        """Seconds, of the requests that were due while a version was loaded."""
        meanwhile = [exchange for exchange in self.exchanges.all if self._in_a_swap(exchange.due)]
        return Exchanges(1, meanwhile).percentile(99)

    def _in_a_swap(self, due: float) -> bool:
        return any(start <= due <= end for start, end in self.spans)

    def growth(self) -> float:
        return self.kilobytes[-1] / self.kilobytes[SETTLED_SWAPS - 1] - 1

    def more_threads(self) -> int:
        return self.threads[-1] - self.threads[SETTLED_SWAPS - 1]

    def figures(self) -> Iterator[str]:
        swap_seconds = [end - start for start, end in self.spans]
        yield f"{self.rate:.0f} requests a second, by status {self.exchanges.statuses()}"
        yield f"{len(self.spans)} swaps, the slowest after {max(swap_seconds):.1f} s"
        yield f"p99 meanwhile {1000 * self.p99_meanwhile():.0f} ms"
        yield f"memory since the fifth swap {100 * self.growth():+.1f} %"
        yield f"threads since the fifth swap {self.more_threads():+d}"

    def problems(self) -> Iterator[str]:
        if self.failed():
            yield f"{self.failed()} requests failed"
        if self.p99_meanwhile() > LARGEST_P99_SECONDS:
            yield f"the p99 is above {1000 * LARGEST_P99_SECONDS:.0f} ms"
        if self.growth() > LARGEST_GROWTH:
            yield f"the memory grows by more than {100 * LARGEST_GROWTH:.0f} %"
        if self.more_threads() > 0:
            yield "there are more threads"


def measured(runs: Path, swaps: int) -> Swaps:
    model = runs / "model"
    small_model.save(model)
    published = runs / "store/small/published"
    shutil.copytree(model, published / "1")
    command = (sys.executable, "-m", "pipeline", "serve", "small", "--runs", runs, "--port", 0)
    with started(*command) as server:
        server.wait_for("is ready after")
        requests = itertools.repeat(open_loop.request({"instances": [small_model.SAMPLE]}))
        saturated = open_loop.saturate(server.port, PEAK_CONNECTIONS, PEAK_SECONDS, requests)
        peak = asyncio.run(saturated)
        result = Swaps(peak.goodput() / 2)
        swapping = threading.Thread(target=_swap, args=(server, model, published, swaps, result))
        swapping.start()
        seconds = swaps * SWAP_SECONDS
        offered = open_loop.offer(server.port, result.rate, seconds, requests)
        result.exchanges = asyncio.run(offered)
        swapping.join()
    return result


def _swap(server: Process, model: Path, published: Path, swaps: int, result: Swaps) -> None:
    for version in range(2, swaps + 2):
        time.sleep(PAUSE_SECONDS)
        unfinished = published / f".{version}"
        shutil.copytree(model, unfinished)
        start = time.monotonic()
        unfinished.rename(published / str(version))
        server.wait_for(f"version {version} serves now")
        result.spans.append((start, time.monotonic()))
        time.sleep(SETTLE_SECONDS)
        status = Path(f"/proc/{server.popen.pid}/status").read_text(encoding="utf-8")
        result.kilobytes.append(_number(r"VmRSS:\s+(\d+)", status))
        result.threads.append(_number(r"Threads:\s+(\d+)", status))


def _number(pattern: str, text: str) -> int:
    match = re.search(pattern, text)
    assert match
    return int(match[1])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--swaps", type=int, default=SWAPS)
    options = parser.parse_args()
    # A collection among a hundred thousand exchanges would stop this generator for half a second.
    gc.disable()
    with tempfile.TemporaryDirectory(prefix="swaps-") as folder:
        result = measured(Path(folder), options.swaps)
    return told(result)


if __name__ == "__main__":
    sys.exit(main())
