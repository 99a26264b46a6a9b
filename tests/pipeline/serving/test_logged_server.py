"""A server that logs: what it answered is in the table, whatever ends the server."""

import contextlib
import json
import re
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from google.cloud import bigquery

from pipeline.serving.row_key import ROW_KEY
from tests.load import small_model
from tests.pipeline.serving.server_process import Process, started
from tests.standins.fault_proxy import Proxied

FLUSH_SECONDS = 1
SECONDS = 20
Start = Callable[[], contextlib.AbstractContextManager[Process]]


@pytest.fixture
def table() -> str:
    return f"demo.log.requests_{time.monotonic_ns()}"


@pytest.fixture
def start(saved: Path, tmp_path: Path, table: str, standin: Proxied) -> Start:
    """Starts a server that logs every request; each uses the same spool."""
    shutil.copytree(saved, tmp_path / "store/small/published/1")
    command = ("python3", "-m", "pipeline", "serve", "small", "--runs", tmp_path, "--port", 0)
    options = ("--request-log", table, "--sampling-rate", 1)

    @contextlib.contextmanager
    def ready() -> Iterator[Process]:
        with started(*command, *options) as process:
            process.wait_for("is ready after")
            yield process

    return ready


def ask(server: Process, key: str) -> None:
    instance = {**small_model.SAMPLE, ROW_KEY: key}
    status, _ = server.ask("POST", "/predict", {"instances": [instance]})
    assert status == 200


def keys(client: bigquery.Client, name: str) -> list[str]:
    """The row keys that a table or view holds."""
    rows = client.query(f"SELECT request_payload FROM `{name}`").result()
    instances = [json.loads(row.request_payload[0]) for row in rows]
    return sorted(instance[ROW_KEY] for instance in instances)


def figures(server: Process) -> dict[str, int]:
    """The log's figures by place."""
    _, text = server.ask("GET", "/metrics")
    pairs = re.findall(r"^esteira_log_(\w+?)(?:_total)?(?:\{.*\})? ([\d.]+)$", text, re.MULTILINE)
    return {place: int(float(number)) for place, number in pairs}


def settled(server: Process) -> dict[str, int]:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        places = figures(server)
        if not places["queued"] and not places["spooled"]:
            return places
        time.sleep(0.1)
    raise AssertionError(f"not settled within {SECONDS} s: {places}")


def test_the_smoke_mark_and_the_row_key_are_logged(
    start: Start, client: bigquery.Client, table: str
):
    with start() as server:
        ask(server, "esteira:smoke")
        ask(server, "row-1")
        places = settled(server)

    assert places == {"sampled": 2, "written": 2, "queued": 0, "spooled": 0}
    assert keys(client, table) == ["esteira:smoke", "row-1"]


def test_a_refused_request_is_not_logged(start: Start):
    with start() as server:
        status, _ = server.ask("POST", "/predict", {"instances": [{"tips": 1}]})
        places = figures(server)

    assert status == 400
    assert places["sampled"] == 0


def test_sigterm_loses_nothing(start: Start, client: bigquery.Client, table: str):
    with start() as server:
        for number in range(20):
            ask(server, f"row-{number:02}")

        code = server.end(signal.SIGTERM)
    with start() as server:  # sends what a slow machine had no time for
        settled(server)

    assert code == 0
    assert keys(client, f"{table}_once") == [f"row-{number:02}" for number in range(20)]


def test_sigterm_while_bigquery_is_away_leaves_the_rows_to_the_next_server(
    start: Start, client: bigquery.Client, table: str, standin: Proxied
):
    standin.outage = 503
    with start() as server:
        ask(server, "row-1")
        code = server.end(signal.SIGTERM)
    standin.outage = None

    with start() as server:
        places = settled(server)

    assert code == 0
    assert places["sampled"] == places["written"] == 1
    assert keys(client, table) == ["row-1"]


def test_sigkill_loses_at_most_one_flush(
    start: Start, client: bigquery.Client, table: str, standin: Proxied
):
    standin.outage = 503
    with start() as server:
        ask(server, "row-1")
        time.sleep(2 * FLUSH_SECONDS)
        ask(server, "row-2")
        server.end(signal.SIGKILL)
    standin.outage = None

    with start() as server:
        settled(server)

    assert keys(client, f"{table}_once") in (["row-1"], ["row-1", "row-2"])


def test_sigterm_ends_in_its_time_while_bigquery_hangs(start: Start, standin: Proxied):
    with start() as server:
        ask(server, "row-1")
        settled(server)
        standin.delay_seconds = 30
        ask(server, "row-2")
        time.sleep(2 * FLUSH_SECONDS)
        signalled = time.monotonic()

        code = server.end(signal.SIGTERM)

    assert code == 0
    assert time.monotonic() - signalled < 8.5


def test_two_servers_of_two_paths_log_side_by_side(
    saved: Path, tmp_path: Path, table: str, client: bigquery.Client
):
    options = ("--runs", tmp_path, "--port", 0, "--request-log", table, "--sampling-rate", 1)
    with contextlib.ExitStack() as stack:
        servers = []
        for name in ("blue", "green"):
            model = tmp_path / name / "models/7"
            shutil.copytree(saved, model)
            command = ("python3", "-m", "pipeline", "serve", model, *options)
            server = stack.enter_context(started(*command))
            server.wait_for("is ready after")
            ask(server, name)
            servers.append(server)
        for server in servers:
            settled(server)

    spools = sorted(path.name[:2] for path in (tmp_path / "request_log").iterdir())
    assert spools == ["7-", "7-"]
    assert keys(client, table) == ["blue", "green"]


def test_a_log_that_lacks_its_dataset_is_said_and_requests_are_answered(
    saved: Path, tmp_path: Path, standin: Proxied
):
    options = ("--runs", tmp_path, "--port", 0, "--request-log", "demo.none.requests")
    with started("python3", "-m", "pipeline", "serve", saved, *options) as server:
        server.wait_for("the request log can't be written to demo.none.requests: 404")
        status, _ = server.ask("POST", "/predict", {"instances": [small_model.SAMPLE]})

    assert status == 200


def test_a_spool_that_cant_be_written_is_one_sentence(cli, saved: Path):
    result = cli("serve", saved, "--request-log", "a.b.c", "--runs", "/proc/none")

    assert result.code == 1
    [line] = result.error_lines
    assert "the request log's folder is /proc/none/request_log/" in line
    assert "cannot be written" in line


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--request-log", "requests"], "allowed is PROJECT.DATASET.TABLE"),
        (["--request-log", "a.b.c", "--sampling-rate", "0"], "allowed is more than 0"),
        (["--request-log", "a.b.c", "--sampling-rate", "nan"], "allowed is more than 0"),
    ],
)
def test_a_wrong_option_is_one_sentence(cli, saved: Path, options: list[str], says: str):
    result = cli("serve", saved, *options)

    assert result.code == 2
    [line] = result.error_lines
    assert says in line
