"""The server as a process.

Its port before the model is loaded, Vertex's routes, buckets, signals and connections.
"""

import contextlib
import html
import http.client
import json
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from socket import IPPROTO_TCP, TCP_NODELAY, create_connection

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage

from pipeline import manifest
from pipeline.errors import ConfigurationError
from pipeline.serving import saved_model, server
from pipeline.serving.engine import Engine
from tests.pipeline.serving.server_process import ENTRYPOINT, SECONDS, Process, started
from tests.standins import object_store

ON_THE_SERVING_ENVIRONMENT = (
    "build/environment",
    "serving",
    "python",
    "-m",
    "pipeline.serving.server",
)
# What a start consists of.
PHASES = ("import", "fetch", "digest", "load", "warm-up")
DURATIONS = ", ".join(rf"{phase} [\d.]+ s" for phase in PHASES)
START = rf"[\d.]+ s \({DURATIONS}\): http"


@pytest.fixture(scope="module")
def model(trained) -> Path:
    return trained.model


@pytest.fixture(scope="module")
def request_body(model) -> dict[str, object]:
    """A request of the model's own sample."""
    text = (model / "assets.extra/sample.json").read_text()
    return {"instances": [json.loads(text)]}


@pytest.fixture
def half_asked(model, request_body) -> Iterator[tuple[Process, http.client.HTTPConnection, bytes]]:
    """A ready server with half of a request's body, the connection, and the other half."""
    program = (
        f"from pipeline.serving.server import serve; serve({str(model)!r}, port=0, drain_seconds=5)"
    )
    body = json.dumps(request_body).encode()
    with started(sys.executable, "-c", program) as process:
        process.wait_for("is ready")
        connection = process.connection()
        connection.putrequest("POST", "/predict")
        connection.putheader("content-length", str(len(body)))
        connection.endheaders(body[:20])
        time.sleep(0.2)
        yield process, connection, body[20:]
        connection.close()


def test_the_port_answers_503_at_once_and_the_model_when_it_is_there(model, request_body):
    with started(*ENTRYPOINT, AIP_STORAGE_URI=str(model)) as process:
        loading_health = process.ask("GET", "/health")
        refusal = process.ask("POST", "/predict", request_body)
        process.wait_for(f"cab, version {model.name}, is ready after {START}")
        ready_health = process.ask("GET", "/health")
        status, _ = process.ask("POST", "/predict", request_body)
        _, metrics = process.ask("GET", "/metrics")
        exit_code = process.end(signal.SIGTERM)

    assert loading_health == (503, '{"state":"loading"}')
    assert refusal == (503, '{"error":"the model is still loading"}')
    assert ready_health == (200, '{"state":"ready"}')
    assert status == 200
    assert f'model="cab",path="{model}",verified="yes",version="{model.name}"}}' in metrics
    assert exit_code == 0


def test_the_reports_examples_are_answered(trained, tmp_path):
    page = (trained.run / "report.html").read_text()
    examples = [html.unescape(text) for text in re.findall(r"<pre>(.*?)</pre>", page, re.DOTALL)]
    [_, curl], python = examples[0].splitlines(), examples[1]
    question = shlex.split(curl)[-1]
    with started(*ENTRYPOINT, AIP_STORAGE_URI=str(trained.model)) as process:
        process.wait_for("is ready")
        program = python.replace("127.0.0.1:8080", f"127.0.0.1:{process.port}")
        _, curls_answer = process.ask("POST", "/predict", json.loads(question))
        pythons_answer = _output(sys.executable, "-c", program)

    [score] = json.loads(curls_answer)["predictions"]
    assert 0 <= score <= 1
    assert json.loads(pythons_answer) == [score]


def _output(*command: str) -> str:
    process = subprocess.run(command, capture_output=True, text=True, check=True, timeout=SECONDS)
    return process.stdout


def test_a_body_that_announces_too_much_is_refused_unread(model):
    with (
        started(*ENTRYPOINT, AIP_STORAGE_URI=str(model)) as process,
        contextlib.closing(process.connection()) as connection,
    ):
        process.wait_for("is ready")

        connection.putrequest("POST", "/predict")
        connection.putheader("content-length", str(10**12))
        connection.endheaders()
        response = connection.getresponse()

        refusal = json.loads(response.read())
        assert response.status == 413
        assert refusal == {"error": "the body is too large, allowed are at most 10000000 bytes"}


def test_it_stands_on_the_serving_environment_alone_and_takes_its_model_from_a_bucket(
    model, request_body
):
    health = "/v1/endpoints/1/deployedModels/2"
    predict = f"{health}:predict"
    routes = {"AIP_HEALTH_ROUTE": health, "AIP_PREDICT_ROUTE": predict}
    scores = Engine(model).predict(request_body["instances"])
    with (
        uploaded(model) as uri,
        started(*ON_THE_SERVING_ENVIRONMENT, AIP_STORAGE_URI=f"{uri}/", **routes) as process,
    ):
        process.wait_for("cab, version 7, is ready")

        status, answer = process.ask("POST", predict, request_body)
        health_status, _ = process.ask("GET", health)
        default_route_status, _ = process.ask("POST", "/predict", request_body)
        exit_code = process.end(signal.SIGTERM)

    predictions = json.loads(answer)["predictions"]
    assert status == 200
    assert predictions == pytest.approx(scores, abs=1e-6)
    assert health_status == 200
    assert default_route_status == 404
    assert exit_code == 0


@contextlib.contextmanager
def uploaded(model: Path) -> Iterator[str]:
    """The model in a bucket of the stand-in, beside one with the same beginning of its name.

    STORAGE_EMULATOR_HOST leads there.
    """
    with object_store.serving() as store, pytest.MonkeyPatch.context() as patch:
        patch.setenv("STORAGE_EMULATOR_HOST", store.url)
        client = storage.Client("p", AnonymousCredentials())
        bucket = client.create_bucket("models")
        bucket.blob("cab/7/").upload_from_string(b"")
        bucket.blob("escaping/../../x").upload_from_string(b"x")
        bucket.blob("cab/70/saved_model.pb").upload_from_string(b"another")
        for name in contents(model):
            bucket.blob(f"cab/7/{name}").upload_from_filename(model / name)
        yield "gs://models/cab/7"


def contents(folder: Path) -> dict[Path, bytes]:
    """The content of each file by its path in the folder."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {file.relative_to(folder): file.read_bytes() for file in files}


def test_a_bucket_s_model_is_fetched_whole_and_a_missing_one_named(model):
    with uploaded(model) as uri:
        copy = saved_model.fetch(uri)
        with pytest.raises(ConfigurationError, match="gs://models/cab/8: there is nothing there"):
            saved_model.fetch("gs://models/cab/8")
        with pytest.raises(
            ConfigurationError, match=r"the object escaping/../../x has no place in a folder"
        ):
            saved_model.fetch("gs://models/escaping")

    assert contents(copy) == contents(model)
    assert manifest.of(copy).digest == manifest.of(model).digest


def test_a_request_on_its_way_is_answered_before_the_server_stops(half_asked):
    process, connection, second_half = half_asked
    process.popen.send_signal(signal.SIGTERM)
    time.sleep(0.3)

    health = process.ask("GET", "/health")
    refusal = process.ask("POST", "/predict", {"instances": [{}]})
    connection.send(second_half)
    response = connection.getresponse()
    answer = json.loads(response.read())
    exit_code = process.popen.wait(SECONDS)

    assert health == (503, '{"state":"draining"}')
    assert refusal == (503, '{"error":"the server is about to stop"}')
    assert response.status == 200
    assert len(answer["predictions"]) == 1
    assert exit_code == 0


def test_a_request_that_never_ends_does_not_keep_the_server(half_asked):
    process, connection, _ = half_asked
    start = time.monotonic()

    code = process.end(signal.SIGTERM)

    seconds = time.monotonic() - start
    response = connection.getresponse()
    assert code == 0
    assert 4 <= seconds < 10
    assert response.status == 503


def test_a_second_signal_waits_for_nobody(half_asked):
    process, _, _ = half_asked
    start = time.monotonic()
    process.popen.send_signal(signal.SIGTERM)
    time.sleep(0.3)

    code = process.end(signal.SIGTERM)

    seconds = time.monotonic() - start
    assert code == 0
    assert seconds < 4


def test_the_verb_serves_the_newest_version_and_ctrl_c_ends_it_without_a_traceback(
    model, request_body, tmp_path
):
    runs = tmp_path / "runs"
    published = runs / "store/cab/published"
    for version in ("9", "10", ".11.unfinished"):
        shutil.copytree(model, published / version)
    arguments = ("serve", "cab", "--runs", runs, "--port", "0")
    command = (sys.executable, "-m", "pipeline", *arguments)
    with started(*command, ESTEIRA_ENVIRONMENT="pipeline") as process:
        process.wait_for("cab, version 10, is ready")

        status, _ = process.ask("POST", "/predict", request_body)
        exit_code = process.end(signal.SIGINT)

        assert status == 200
        assert exit_code == 0
        assert "Traceback" not in process.output


def test_an_accepted_connection_sends_without_waiting_for_more():
    with (
        server.listen("127.0.0.1", 0) as listening,
        create_connection(listening.getsockname()),
    ):
        accepted, _ = listening.accept()
    with accepted:
        assert accepted.getsockopt(IPPROTO_TCP, TCP_NODELAY)


def test_requests_on_one_connection_do_not_wait_for_an_acknowledgement(model, request_body):
    """A client with nothing to send acknowledges an answer after 40 ms."""
    body = json.dumps(request_body)
    durations = []
    with started(*ENTRYPOINT, AIP_STORAGE_URI=str(model)) as process:
        process.wait_for("is ready")
        with contextlib.closing(process.connection()) as connection:
            for _ in range(60):
                start = time.monotonic()
                connection.request("POST", "/predict", body)
                connection.getresponse().read()
                durations.append(time.monotonic() - start)

    waits = [seconds for seconds in durations if seconds > 0.035]
    assert len(waits) < 30


def test_a_signal_while_it_loads_ends_it_too(model):
    with started(*ENTRYPOINT, AIP_STORAGE_URI=str(model)) as process:
        process.ask("GET", "/health")

        exit_code = process.end(signal.SIGTERM)

    assert exit_code == 0
