"""Load from wrk, a generator in C: what a server answers and how fast."""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

SCRIPT = Path(__file__).with_name("post.lua")
# Its clock has whole milliseconds between requests, so that a low rate takes several connections.
PACED_CONNECTIONS = 32


@dataclass(frozen=True)
class Answers:
    requests: int
    seconds: float
    failed: int
    p50_ms: float
    p99_ms: float

    @property
    def rate(self) -> float:
        return self.requests / self.seconds


def need_wrk() -> None:
    if not shutil.which("wrk"):
        raise SystemExit("there is no wrk, on Debian `apt-get install wrk` brings it")


def start(
    url: str, bodies: Path, *, connections: int, seconds: float, delay_ms: float = 0
) -> "subprocess.Popen[str]":
    """Begin to send the lines of `bodies` in turn, each connection one after the other."""
    command = ["wrk", "--threads", "1", "--connections", str(connections)]
    command += ["--duration", str(round(seconds)), "--script", str(SCRIPT), url]
    environment = os.environ | {"BODIES": str(bodies), "DELAY": str(delay_ms)}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


def answers(process: "subprocess.Popen[str]") -> Answers:
    output, _ = process.communicate()
    *_, last_line = output.strip().splitlines()
    content = Answers(**json.loads(last_line))
    if content.failed or not content.requests:
        raise SystemExit(f"{content.failed} of {content.requests} requests failed")
    return content


def load(url: str, bodies: Path, *, connections: int, seconds: float) -> Answers:
    process = start(url, bodies, connections=connections, seconds=seconds)
    return answers(process)


def start_paced(url: str, bodies: Path, *, rate: float, seconds: float) -> "subprocess.Popen[str]":
    """Begin to send about `rate` requests a second."""
    delay_ms = 1000 * PACED_CONNECTIONS / rate
    return start(url, bodies, connections=PACED_CONNECTIONS, seconds=seconds, delay_ms=delay_ms)
