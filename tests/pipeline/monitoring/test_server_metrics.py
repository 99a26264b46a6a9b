"""A server's /metrics say what its log should hold, by version and day."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from pipeline.errors import ConfigurationError, RunError
from pipeline.monitoring import server_metrics
from pipeline.serving.request_log.ledger import DAYS, Ledger

MORNING = datetime(2026, 3, 1, 6, tzinfo=UTC).timestamp()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The one time that the server reads."""
    now = [MORNING]
    monkeypatch.setattr("pipeline.serving.request_log.ledger.time.time", lambda: now[0])
    return now


@pytest.fixture
def ledger() -> Ledger:
    return Ledger([], sampling_rate=0.1)


@pytest.fixture
def url(ledger: Ledger) -> Iterator[str]:
    registry = CollectorRegistry()
    registry.register(ledger)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            others = {"/up": b"up 1\n", "/hello": b"<p>hello"}
            content = others.get(self.path) or generate_latest(registry)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_answers_are_counted_by_version_and_day(ledger, url, clock):
    for _ in range(3):
        ledger.answers.add("7")
    ledger.answers.add("8")
    clock[0] += 86_400
    ledger.answers.add("7")

    metrics = server_metrics.read(url)

    assert metrics.sampling_rate == 0.1
    assert metrics.days("7", date(2026, 3, 1), date(2026, 3, 7)) == {
        date(2026, 3, 1): 3,
        date(2026, 3, 2): 1,
    }
    assert metrics.days("7", date(2026, 3, 2), date(2026, 3, 2)) == {date(2026, 3, 2): 1}


def test_a_server_forgets_days_that_no_window_asks_for(ledger, url, clock):
    for _ in range(2 * DAYS):
        ledger.answers.add("7")
        clock[0] += 86_400

    metrics = server_metrics.read(url)

    assert len(metrics.answered) == DAYS


@pytest.mark.parametrize("address", ["localhost:8080", "ftp://localhost", "http://", ""])
def test_an_address_that_is_none_is_refused(address):
    with pytest.raises(ConfigurationError) as refusal:
        server_metrics.read(address)

    assert str(refusal.value) == f"--server is {address!r}, allowed is http://HOST:PORT"


def test_a_server_that_is_not_there_is_one_sentence():
    with pytest.raises(RunError, match=r"--server: http://127\.0\.0\.1:9/metrics does not answer"):
        server_metrics.read("http://127.0.0.1:9")


@pytest.mark.parametrize(
    ("route", "sentence"),
    [("/up", "tells of no request log"), ("/hello", "answers with no metrics of a server")],
)
def test_another_server_is_told_of(monkeypatch, url, route, sentence):
    monkeypatch.setattr(server_metrics, "ROUTE", route)

    with pytest.raises(RunError, match=sentence):
        server_metrics.read(url)
