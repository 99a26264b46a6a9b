"""One round: every server under every load."""

import subprocess
from pathlib import Path

from settings import REPOSITORY
from tests.bench.serving import load
from tests.bench.serving.figures import OURS, Figures
from tests.bench.serving.requests import LARGE, Bodies
from tests.bench.serving.servers import Server
from tests.bench.serving.venvs import VENV

CONNECTIONS = (1, 16)


def measure_all(servers: list[Server], bodies: Bodies, seconds: int, figures: Figures) -> None:
    ours, *_ = servers
    for server in servers:
        measure(server, bodies, seconds, figures)
    measure_mixed(ours, bodies, seconds, figures)
    figures.add(OURS, "bare", bare_milliseconds(ours.model))


def measure(server: Server, bodies: Bodies, seconds: int, figures: Figures) -> None:
    """One connection, sixteen, and one with large requests."""
    url = server.predict_url
    for connections in CONNECTIONS:
        start = server.cpu_seconds()
        answers = load.load(url, bodies.singles, connections=connections, seconds=seconds)
        cpu_seconds = server.cpu_seconds() - start
        cpu_microseconds = 1e6 * cpu_seconds / answers.requests
        figures.add(server.name, f"rate {connections}", answers.rate)
        figures.add(server.name, f"p50 {connections}", answers.p50_ms)
        figures.add(server.name, f"p99 {connections}", answers.p99_ms)
        figures.add(server.name, f"cpu {connections}", cpu_microseconds)
    answers = load.load(url, bodies.large, connections=1, seconds=seconds)
    figures.add(server.name, "rows", LARGE * answers.rate)


def measure_mixed(server: Server, bodies: Bodies, seconds: int, figures: Figures) -> None:
    """Singles at a quarter of the peak, alone and beside a connection of large requests."""
    url = server.predict_url
    rate = figures.last(server.name, "rate 16") / 4
    alone = load.start_paced(url, bodies.singles, rate=rate, seconds=seconds)
    alone_answers = load.answers(alone)
    large = load.start(url, bodies.large, connections=1, seconds=seconds + 1)
    beside = load.start_paced(url, bodies.singles, rate=rate, seconds=seconds)
    beside_answers = load.answers(beside)
    load.answers(large)
    figures.add(server.name, "alone", alone_answers.p99_ms)
    figures.add(server.name, "beside", beside_answers.p99_ms)


def bare_milliseconds(model: Path) -> float:
    command = [*VENV, "python", "-m", "tests.bench.serving.bare", str(model)]
    process = subprocess.run(
        command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True
    )
    return float(process.stdout)
