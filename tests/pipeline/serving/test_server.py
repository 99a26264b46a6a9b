"""The server as a process.

Its port before the model is loaded, Vertex's variables, signals, and what it can't serve.
"""

import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from socket import IPPROTO_TCP, TCP_NODELAY, create_connection, create_server

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage

from pipeline.errors import ConfigurationError
from pipeline.serving import saved_model, server
from pipeline.serving.engine import Engine
from settings import REPOSITORY
from tests.standins import object_store

ENTRYPOINT = (sys.executable, "-m", "pipeline.serving.server")
ON_THE_SERVING_ENVIRONMENT = (
    "build/environment",
    "serving",
    "python",
    "-m",
    "pipeline.serving.server",
)
SECONDS = 60


class Process:
    """A server's process, its output, and requests to it."""

    def __init__(self, command: tuple[object, ...], variables: dict[str, str]) -> None:
        self.popen = subprocess.Popen(
            list(map(str, command)),
            cwd=REPOSITORY,
            env=os.environ | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.said: list[str] = []
        threading.Thread(
            target=lambda: self.said.extend(iter(self.popen.stdout.readline, "")), daemon=True
        ).start()
        self.port = int(self.wait_for(r"http://[\d.]+:(\d+)/\S+ answers 503").group(1))

    def wait_for(self, pattern: str) -> re.Match[str]:
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            if match := re.search(pattern, "".join(self.said)):
                return match
            time.sleep(0.02)
        raise AssertionError(
            f"{pattern} was not said within {SECONDS} s, but: {''.join(self.said)}"
        )

    def connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)

    def ask(self, method: str, path: str, body: object = None) -> tuple[int, str]:
        with contextlib.closing(self.connection()) as connection:
            connection.request(method, path, None if body is None else json.dumps(body))
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

    def end(self, how: signal.Signals) -> int:
        self.popen.send_signal(how)
        return self.popen.wait(SECONDS)


@contextlib.contextmanager
def started(*command: object, **variables: str) -> Iterator[Process]:
    process = Process(command, {"AIP_HTTP_PORT": "0", **variables})
    try:
        yield process
    finally:
        process.popen.kill()
        process.popen.wait()


@pytest.fixture(scope="module")
def model(trained) -> Path:
    return next(trained.published.iterdir())


@pytest.fixture(scope="module")
def sample(model) -> dict[str, object]:
    return json.loads((model / "assets.extra/sample.json").read_text())


@pytest.fixture
def half_asked(model, sample) -> Iterator[tuple[Process, http.client.HTTPConnection, bytes]]:
    """A ready server with half of a request's body, the connection, and the other half."""
    program = (
        f"from pipeline.serving.server import serve; serve({str(model)!r}, port=0, drain_seconds=5)"
    )
    body = json.dumps({"instances": [sample]}).encode()
    with started(sys.executable, "-c", program) as process:
        process.wait_for("is ready")
        connection = process.connection()
        connection.putrequest("POST", "/predict")
        connection.putheader("content-length", str(len(body)))
        connection.endheaders(body[:20])
        time.sleep(0.2)
        yield process, connection, body[20:]
        connection.close()


def test_the_port_answers_503_at_once_and_the_model_when_it_is_there(model, sample):
    with started(*ENTRYPOINT, AIP_STORAGE_URI=str(model)) as process:
        assert process.ask("GET", "/health") == (503, '{"state":"loading"}')
        assert process.ask("POST", "/predict", {"instances": [sample]}) == (
            503,
            '{"error":"the model is still loading"}',
        )
        process.wait_for(f"cab, version {model.name}, is ready after")

        assert process.ask("GET", "/health") == (200, '{"state":"ready"}')
        assert process.ask("POST", "/predict", {"instances": [sample]})[0] == 200
        assert (
            f'model="cab",path="{model}",version="{model.name}"'
            in process.ask("GET", "/metrics")[1]
        )
        assert process.end(signal.SIGTERM) == 0


def test_a_body_that_announces_too_much_is_refused_unread(model):
    with (
        started(*ENTRYPOINT, AIP_STORAGE_URI=str(model)) as process,
        contextlib.closing(process.connection()) as connection,
    ):
        process.wait_for("is ready")

        connection.putrequest("POST", "/predict")
        connection.putheader("content-length", str(10**12))
        connection.endheaders()
        answer = connection.getresponse()

        assert answer.status == 413
        assert json.loads(answer.read()) == {
            "error": "the body is too large, allowed are at most 10000000 bytes"
        }


def test_it_stands_on_the_serving_environment_alone_and_takes_its_model_from_a_bucket(
    model, sample
):
    routes = {
        "AIP_HEALTH_ROUTE": "/v1/endpoints/1/deployedModels/2",
        "AIP_PREDICT_ROUTE": "/v1/endpoints/1/deployedModels/2:predict",
    }
    with (
        uploaded(model) as uri,
        started(*ON_THE_SERVING_ENVIRONMENT, AIP_STORAGE_URI=f"{uri}/", **routes) as process,
    ):
        process.wait_for("cab, version 7, is ready")

        status, answer = process.ask("POST", routes["AIP_PREDICT_ROUTE"], {"instances": [sample]})

        assert status == 200 and json.loads(answer)["predictions"] == pytest.approx(
            Engine(model).predict([sample]), abs=1e-6
        )
        assert process.ask("GET", routes["AIP_HEALTH_ROUTE"])[0] == 200
        assert process.ask("POST", "/predict", {"instances": [sample]})[0] == 404
        assert process.end(signal.SIGTERM) == 0


@contextlib.contextmanager
def uploaded(model: Path) -> Iterator[str]:
    """The model in a bucket of the stand-in, beside one with the same beginning of its name.

    STORAGE_EMULATOR_HOST leads there.
    """
    with object_store.serving() as store, pytest.MonkeyPatch.context() as patch:
        patch.setenv("STORAGE_EMULATOR_HOST", store.url)
        bucket = storage.Client("p", AnonymousCredentials()).create_bucket("models")
        bucket.blob("cab/7/").upload_from_string(b"")
        bucket.blob("escaping/../../x").upload_from_string(b"x")
        bucket.blob("cab/70/saved_model.pb").upload_from_string(b"another")
        for file in (path for path in model.rglob("*") if path.is_file()):
            bucket.blob(f"cab/7/{file.relative_to(model)}").upload_from_filename(file)
        yield "gs://models/cab/7"


def test_a_bucket_s_model_is_fetched_whole_and_a_missing_one_named(model):
    with uploaded(model) as uri:
        fetched = saved_model.fetch(uri)
        with pytest.raises(ConfigurationError, match="gs://models/cab/8: there is nothing there"):
            saved_model.fetch("gs://models/cab/8")
        with pytest.raises(
            ConfigurationError, match=r"the object escaping/../../x has no place in a folder"
        ):
            saved_model.fetch("gs://models/escaping")

    files = {
        path.relative_to(model): path.read_bytes() for path in model.rglob("*") if path.is_file()
    }
    assert {
        path.relative_to(fetched): path.read_bytes()
        for path in fetched.rglob("*")
        if path.is_file()
    } == files


def test_a_request_on_its_way_is_answered_before_the_server_stops(half_asked):
    process, connection, second_half = half_asked
    process.popen.send_signal(signal.SIGTERM)
    time.sleep(0.3)

    assert process.ask("GET", "/health") == (503, '{"state":"draining"}')
    assert process.ask("POST", "/predict", {"instances": [{}]}) == (
        503,
        '{"error":"the server is about to stop"}',
    )
    connection.send(second_half)
    answer = connection.getresponse()
    assert answer.status == 200 and len(json.loads(answer.read())["predictions"]) == 1
    assert process.popen.wait(SECONDS) == 0


def test_a_request_that_never_ends_does_not_keep_the_server(half_asked):
    process, _, _ = half_asked
    start = time.monotonic()

    code = process.end(signal.SIGTERM)

    assert code == 0 and 5 <= time.monotonic() - start < 10


def test_a_second_signal_waits_for_nobody(half_asked):
    process, _, _ = half_asked
    start = time.monotonic()
    process.popen.send_signal(signal.SIGTERM)
    time.sleep(0.3)

    code = process.end(signal.SIGTERM)

    assert code == 0 and time.monotonic() - start < 4


def test_the_verb_serves_the_newest_version_and_ctrl_c_ends_it_without_a_traceback(
    trained, model, sample, tmp_path
):
    published = tmp_path / "runs/store/cab/published"
    for version in ("9", "10", ".11.unfinished"):
        shutil.copytree(model, published / version)
    command = (
        sys.executable,
        "-m",
        "pipeline",
        "serve",
        "cab",
        "--runs",
        tmp_path / "runs",
        "--port",
        "0",
    )
    with started(*command, ESTEIRA_ENVIRONMENT="pipeline") as process:
        process.wait_for("cab, version 10, is ready")

        assert process.ask("POST", "/predict", {"instances": [sample]})[0] == 200
        assert process.end(signal.SIGINT) == 0
        assert "Traceback" not in "".join(process.said)


def test_an_accepted_connection_sends_without_waiting_for_more():
    with (
        server._listen("127.0.0.1", 0) as listening,
        create_connection(listening.getsockname()),
        listening.accept()[0] as accepted,
    ):
        assert accepted.getsockopt(IPPROTO_TCP, TCP_NODELAY)


def test_requests_on_one_connection_do_not_wait_for_an_acknowledgement(model, sample):
    """A client with nothing to send acknowledges an answer after 40 ms."""
    body, seconds = json.dumps({"instances": [sample]}), []
    with started(*ENTRYPOINT, AIP_STORAGE_URI=str(model)) as process:
        process.wait_for("is ready")
        with contextlib.closing(process.connection()) as connection:
            for _ in range(60):
                start = time.monotonic()
                connection.request("POST", "/predict", body)
                connection.getresponse().read()
                seconds.append(time.monotonic() - start)

    assert len([duration for duration in seconds if duration > 0.035]) < 30


def test_a_signal_while_it_loads_ends_it_too(model):
    with started(*ENTRYPOINT, AIP_STORAGE_URI=str(model)) as process:
        process.ask("GET", "/health")

        assert process.end(signal.SIGTERM) == 0


def test_a_graph_that_does_not_load_ends_the_server_with_a_sentence(model, tmp_path):
    broken = shutil.copytree(model, tmp_path / "broken")
    (broken / "saved_model.pb").write_bytes(b"no graph")

    with started(*ENTRYPOINT, AIP_STORAGE_URI=str(broken)) as process:
        assert process.popen.wait(SECONDS) == 1
        process.wait_for(f"python -m pipeline.serving.server: {broken}: cannot be served: .+\n$")
        assert "Traceback" not in "".join(process.said)


def test_the_verb_refuses_what_is_no_model_of_ours(cli, model, tmp_path):
    shutil.copytree(model, tmp_path / "bare", ignore=shutil.ignore_patterns("assets.extra"))

    for named, says in {
        "cab": (
            f"there is no published version of 'cab' in {tmp_path}/store/cab/published: run "
            "`python -m pipeline run cab` first"
        ),
        f"{tmp_path}/none": f"{tmp_path}/none: there is no such folder",
        f"{tmp_path}": f"{tmp_path}: there is no saved_model.pb",
        f"{tmp_path}/bare": f"{tmp_path}/bare: there is no assets.extra/schema.pbtxt",
    }.items():
        result = cli("serve", named, "--runs", tmp_path)
        assert result.code == 2 and says in result.sentence


def test_a_port_that_is_none_or_taken_is_told(cli, model):
    with create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        occupied, impossible = (
            cli("serve", model, "--port", port),
            cli("serve", model, "--port", 65536),
        )

    assert occupied.code == 1 and f"127.0.0.1:{port} can't be listened at" in occupied.sentence
    assert impossible.code == 2 and "the port is 65536" in impossible.sentence


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({}, "AIP_STORAGE_URI is not set"),
        ({"AIP_STORAGE_URI": "/m", "AIP_HTTP_PORT": "http"}, "AIP_HTTP_PORT is 'http'"),
        ({"AIP_STORAGE_URI": "/m", "AIP_HEALTH_ROUTE": "health"}, "AIP_HEALTH_ROUTE is 'health'"),
        (
            {"AIP_STORAGE_URI": "/m", "AIP_PREDICT_ROUTE": "/{name}"},
            "AIP_PREDICT_ROUTE is '/{name}'",
        ),
        (
            {"AIP_STORAGE_URI": "/m", "AIP_PREDICT_ROUTE": "/metrics"},
            "AIP_PREDICT_ROUTE is '/metrics'",
        ),
    ],
)
def test_a_container_that_is_set_up_wrongly_says_by_which_variable(capsys, variables, says):
    assert server.main(variables) == 2

    assert says in capsys.readouterr().err
