"""The server as a process.

Its port before the model is loaded, Vertex's variables, signals, and what it can't serve.
"""

import contextlib
import http.client
import json
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from socket import IPPROTO_TCP, TCP_NODELAY, create_connection, create_server

import pytest

from pipeline.errors import ConfigurationError
from pipeline.serving import saved_model, server
from pipeline.serving.engine import Engine
from tests.pipeline.serving.model_bucket import files_in, uploaded
from tests.pipeline.serving.server_process import SECONDS, Process, started

ENTRYPOINT = (sys.executable, "-m", "pipeline.serving.server")
ON_THE_SERVING_ENVIRONMENT = (
    "build/environment",
    "serving",
    "python",
    "-m",
    "pipeline.serving.server",
)


@pytest.fixture(scope="module")
def model(trained) -> Path:
    return next(trained.published.iterdir())


@pytest.fixture(scope="module")
def sample(model) -> dict[str, object]:
    text = (model / "assets.extra/sample.json").read_text()
    return json.loads(text)


@pytest.fixture
def half_asked(model, sample) -> Iterator[tuple[Process, http.client.HTTPConnection, bytes]]:
    """A ready server with half of a request's body, the connection, and the other half."""
    program = (
        f"from pipeline.serving.server import serve; serve({str(model)!r}, port=0, drain_seconds=5)"
    )
    body = json.dumps({"instances": [sample]}).encode()
    first_half, second_half = body[:20], body[20:]
    with started(sys.executable, "-c", program) as process:
        process.wait_for("is ready")
        connection = process.connection()
        connection.putrequest("POST", "/predict")
        connection.putheader("content-length", str(len(body)))
        connection.endheaders(first_half)
        time.sleep(0.2)
        yield process, connection, second_half
        connection.close()


def test_the_port_answers_503_at_once_and_the_model_when_it_is_there(model, sample):
    body = {"instances": [sample]}
    with started(*ENTRYPOINT, AIP_STORAGE_URI=str(model)) as process:
        early_health = process.ask("GET", "/health")
        early_answer = process.ask("POST", "/predict", body)
        process.wait_for(f"cab, version {model.name}, is ready after")
        health = process.ask("GET", "/health")
        status = process.status("POST", "/predict", body)
        _, metrics = process.ask("GET", "/metrics")
        code = process.end(signal.SIGTERM)

    assert early_health == (503, '{"state":"loading"}')
    assert early_answer == (503, '{"error":"the model is still loading"}')
    assert health == (200, '{"state":"ready"}')
    assert status == 200
    assert f'model="cab",path="{model}",version="{model.name}"' in metrics
    assert code == 0


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
        content = json.loads(answer.read())

    assert answer.status == 413
    assert content == {"error": "the body is too large, allowed are at most 10000000 bytes"}


def test_it_stands_on_the_serving_environment_alone_and_takes_its_model_from_a_bucket(
    model, sample
):
    health_route = "/v1/endpoints/1/deployedModels/2"
    predict_route = f"{health_route}:predict"
    routes = {"AIP_HEALTH_ROUTE": health_route, "AIP_PREDICT_ROUTE": predict_route}
    body = {"instances": [sample]}
    scores = Engine(model).predict([sample])
    with (
        uploaded(model) as uri,
        started(*ON_THE_SERVING_ENVIRONMENT, AIP_STORAGE_URI=f"{uri}/", **routes) as process,
    ):
        process.wait_for("cab, version 7, is ready")

        status, text = process.ask("POST", predict_route, body)
        health_status = process.status("GET", health_route)
        default_route_status = process.status("POST", "/predict", body)
        code = process.end(signal.SIGTERM)

    predictions = json.loads(text)["predictions"]
    assert status == 200
    assert predictions == pytest.approx(scores, abs=1e-6)
    assert health_status == 200
    assert default_route_status == 404
    assert code == 0


def test_a_bucket_s_model_is_fetched_whole_and_a_missing_one_named(model):
    with uploaded(model) as uri:
        fetched = saved_model.fetch(uri)
        with pytest.raises(ConfigurationError, match="gs://models/cab/8: there is nothing there"):
            saved_model.fetch("gs://models/cab/8")
        escape = r"the object escaping/../../x has no place in a folder"
        with pytest.raises(ConfigurationError, match=escape):
            saved_model.fetch("gs://models/escaping")

    assert files_in(fetched) == files_in(model)


def test_a_request_on_its_way_is_answered_before_the_server_stops(half_asked):
    process, connection, second_half = half_asked
    process.popen.send_signal(signal.SIGTERM)
    time.sleep(0.3)

    health = process.ask("GET", "/health")
    late_answer = process.ask("POST", "/predict", {"instances": [{}]})
    connection.send(second_half)
    answer = connection.getresponse()
    content = json.loads(answer.read())
    code = process.popen.wait(SECONDS)

    assert health == (503, '{"state":"draining"}')
    assert late_answer == (503, '{"error":"the server is about to stop"}')
    assert answer.status == 200
    assert len(content["predictions"]) == 1
    assert code == 0


def test_a_request_that_never_ends_does_not_keep_the_server(half_asked):
    process, _, _ = half_asked
    start = time.monotonic()

    code = process.end(signal.SIGTERM)

    seconds = time.monotonic() - start
    assert code == 0
    assert 5 <= seconds < 10


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
    trained, model, sample, tmp_path
):
    runs = tmp_path / "runs"
    for version in ("9", "10", ".11.unfinished"):
        shutil.copytree(model, runs / "store/cab/published" / version)
    options = ("--runs", runs, "--port", "0")
    command = (sys.executable, "-m", "pipeline", "serve", "cab", *options)
    with started(*command, ESTEIRA_ENVIRONMENT="pipeline") as process:
        process.wait_for("cab, version 10, is ready")

        status = process.status("POST", "/predict", {"instances": [sample]})
        code = process.end(signal.SIGINT)

    assert status == 200
    assert code == 0
    assert "Traceback" not in process.output()


def test_an_accepted_connection_sends_without_waiting_for_more():
    with (
        server._listen("127.0.0.1", 0) as listener,
        create_connection(listener.getsockname()),
        listener.accept()[0] as connection,
    ):
        no_delay = connection.getsockopt(IPPROTO_TCP, TCP_NODELAY)

    assert no_delay


def test_requests_on_one_connection_do_not_wait_for_an_acknowledgement(model, sample):
    """A client with nothing to send acknowledges an answer after 40 ms."""
    body = json.dumps({"instances": [sample]})
    durations = []
    with started(*ENTRYPOINT, AIP_STORAGE_URI=str(model)) as process:
        process.wait_for("is ready")
        with contextlib.closing(process.connection()) as connection:
            for _ in range(60):
                start = time.monotonic()
                connection.request("POST", "/predict", body)
                answer = connection.getresponse()
                answer.read()
                durations.append(time.monotonic() - start)

    slow_durations = [duration for duration in durations if duration > 0.035]
    assert len(slow_durations) < 30


def test_a_signal_while_it_loads_ends_it_too(model):
    with started(*ENTRYPOINT, AIP_STORAGE_URI=str(model)) as process:
        process.ask("GET", "/health")
        code = process.end(signal.SIGTERM)

    assert code == 0


def test_a_graph_that_does_not_load_ends_the_server_with_a_sentence(model, tmp_path):
    broken = shutil.copytree(model, tmp_path / "broken")
    (broken / "saved_model.pb").write_bytes(b"no graph")

    with started(*ENTRYPOINT, AIP_STORAGE_URI=str(broken)) as process:
        code = process.popen.wait(SECONDS)
        process.wait_for(f"python -m pipeline.serving.server: {broken}: cannot be served: .+\n$")

    assert code == 1
    assert "Traceback" not in process.output()


def test_the_verb_refuses_what_is_no_model_of_ours(cli, model, tmp_path):
    shutil.copytree(model, tmp_path / "bare", ignore=shutil.ignore_patterns("assets.extra"))

    sentences = {
        "cab": (
            f"there is no published version of 'cab' in {tmp_path}/store/cab/published: run "
            "`python -m pipeline run cab` first"
        ),
        f"{tmp_path}/none": f"{tmp_path}/none: there is no such folder",
        f"{tmp_path}": f"{tmp_path}: there is no saved_model.pb",
        f"{tmp_path}/bare": f"{tmp_path}/bare: there is no assets.extra/schema.pbtxt",
    }
    for name, sentence in sentences.items():
        result = cli("serve", name, "--runs", tmp_path)
        assert result.code == 2
        assert sentence in result.sentence


def test_a_port_that_is_none_or_taken_is_told(cli, model):
    with create_server(("127.0.0.1", 0)) as listener:
        _, port = listener.getsockname()
        occupied = cli("serve", model, "--port", port)
        impossible = cli("serve", model, "--port", 65536)

    assert occupied.code == 1
    assert f"127.0.0.1:{port} can't be listened at" in occupied.sentence
    assert impossible.code == 2
    assert "the port is 65536" in impossible.sentence


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
    code = server.main(variables)

    output = capsys.readouterr()
    assert code == 2
    assert says in output.err
