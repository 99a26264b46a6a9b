"""Vertex's container contract as its clients see it.

What the application answers, and what it refuses in which words.
"""

import gzip
import json
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat

import pytest
from starlette.testclient import TestClient

from pipeline.serving import loading
from pipeline.serving.application import Application
from pipeline.serving.contract import MAXIMUM_BYTES, MAXIMUM_INSTANCES

PREDICT_ROUTE = "/v1/endpoints/1/deployedModels/2:predict"


@pytest.fixture(scope="module")
def model(trained):
    return loading.load(str(trained.model))


@pytest.fixture(scope="module")
def engine(model):
    return model.engine


@pytest.fixture
def unready():
    """The application before its model is there."""
    return Application(health_route="/health", predict_route=PREDICT_ROUTE)


@pytest.fixture
def application(unready, model):
    unready.serve(model)
    return unready


@pytest.fixture
def client(application):
    with TestClient(application.asgi, raise_server_exceptions=False) as client:
        yield client


def ask(client, body):
    if not isinstance(body, bytes):
        body = json.dumps(body)
    return client.post(PREDICT_ROUTE, content=body)


def predictions(response):
    """The predictions of an answer, its only content."""
    answer = response.json()
    assert list(answer) == ["predictions"]
    return answer["predictions"]


def error(response):
    """The sentence of a refusal, its only content."""
    answer = response.json()
    assert list(answer) == ["error"]
    return answer["error"]


def test_every_instance_has_an_answer_in_its_place(client, engine):
    scores = engine.predict([engine.sample, {}, {}])

    response = ask(client, {"instances": [engine.sample, {}, {"fare": None}]})

    assert response.status_code == 200
    answers = predictions(response)
    assert response.headers["content-type"] == "application/json"
    assert answers == pytest.approx(scores, abs=1e-6)


@pytest.mark.parametrize(
    "spelling",
    [
        {"parameters": {"signature": "transform_features"}},
        {"signature_name": "transform_features"},
        {"signature_name": "transform_features", "parameters": {"signature": "transform_features"}},
        {"signature_name": "transform_features", "parameters": None},
    ],
)
def test_both_spellings_pick_the_signature(client, engine, spelling):
    response = ask(client, {"instances": [engine.sample], **spelling})

    [features] = predictions(response)
    assert "big_tip" in features


def test_null_asks_for_the_default_signature(client, engine):
    scores = engine.predict([engine.sample])

    response = ask(
        client,
        {"instances": [engine.sample], "signature_name": None, "parameters": {"signature": None}},
    )

    answers = predictions(response)
    assert answers == pytest.approx(scores, abs=1e-6)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "the body is not JSON"),
        (b"\xff\xfe", "the body is not JSON: it is not UTF-8 from byte 0 on"),
        (b"\x1f\x8b\x08", "it is gzip, allowed with the header Content-Encoding: gzip"),
        (b'{"instances": [{}]} {}', "the body is not JSON"),
        (b'{"instances": [{"fare": NaN}]}', "the body is not JSON"),
        (b'{"instances": [{"fare": -Infinity}]}', "the body is not JSON"),
        (b'{"instances": [{"fare": 1e999}]}', "the body is not JSON"),
        (b"[" * 100_000, "the body is not JSON"),
        (
            b'{"instances": [{"fare": 1, "company": "a", "fare": 2}]}',
            "instance 0 holds the feature 'fare' twice",
        ),
        (
            b'{"instances": [{}, {"company": "\\":", "f\\u0061re": 1, "fare" : 2}]}',
            "instance 1 holds the feature 'fare' twice",
        ),
        (b'{"instances": [{"fare" : 1, "fare": 2}]}', "instance 0 holds the feature 'fare' twice"),
        (b'{"instances": [{}], "instances": [{}]}', "the body holds 'instances' twice"),
        (
            b'{"instances": [{}], "parameters": {"signature": "a", "signature": "a"}}',
            "parameters holds 'signature' twice",
        ),
        ([], "the body is a list, allowed is an object with instances, parameters, signature_name"),
        ({}, "the body holds no instances, allowed is a list of objects of features"),
        ({"instances": []}, "instances is empty, allowed are 1 to 1000"),
        ({"instances": None}, "instances is null"),
        (
            {"instances": {"fare": 1}},
            "instances is an object, allowed is a list of objects of features",
        ),
        (
            {"instances": [{}], "inputs": 1},
            "the body holds 'inputs', allowed: instances, parameters, signature_name",
        ),
        (
            {"instances": [{}], "parameters": "x"},
            "parameters is a string, allowed is an object with signature",
        ),
        ({"instances": [{}], "parameters": []}, "parameters is a list"),
        (
            {"instances": [{}], "parameters": {"sigature": "x"}},
            "parameters holds 'sigature', allowed: signature",
        ),
        (
            {"instances": [{}], "parameters": {"signature": 7}},
            "parameters.signature is a number, allowed is the name of a signature",
        ),
        ({"instances": [{}], "signature_name": ["x"]}, "signature_name is a list"),
        (
            {"instances": [{}], "signature_name": ""},
            "signature is '', allowed are serving_default, transform_features",
        ),
        (
            {"instances": [{}], "signature_name": "predict"},
            "signature is 'predict', allowed are serving_default, transform_features",
        ),
        ({"instances": [{}], "signature_name": "x" * 10_000}, "..., allowed are serving_default"),
        (
            {
                "instances": [{}],
                "signature_name": "serving_default",
                "parameters": {"signature": "transform_features"},
            },
            "parameters.signature and signature_name differ",
        ),
        ({"instances": [{}, [1]]}, "instance 1 is [1], allowed is an object of features"),
        (
            {"instances": [{}, {"fare": "x"}]},
            "instance 1: the feature fare is 'x', allowed is a finite number or null",
        ),
        ({"instances": [{"fare": {"a": 1}}]}, "instance 0: the feature fare is {'a': 1}"),
        (
            b'{"instances": [{"fare": ' + b"9" * 300 + b', "company": "\\":"}]}',
            "instance 0: the feature fare is 1e+300",
        ),
        (
            b'{"instances": [' + b'{"fare":' * 900 + b"1" + b"}" * 900 + b"]}",
            "instance 0: the feature fare is {'fare'",
        ),
        ({"instances": [{"tips": 1}]}, "instance 0: the feature 'tips' is unknown"),
    ],
)
def test_what_is_wrong_is_told_in_one_sentence(client, body, says):
    response = ask(client, body)

    sentence = error(response)
    assert response.status_code == 400
    assert says in sentence
    assert len(sentence) < 600


def test_a_string_that_looks_like_a_key_is_no_key(client):
    response = ask(client, b'{"instances": [{"company": "\\": \\":"}]}')

    assert response.status_code == 200


def test_a_body_in_gzip_is_decoded(client, engine):
    scores = engine.predict([engine.sample])
    body = gzip.compress(json.dumps({"instances": [engine.sample]}).encode())

    response = client.post(PREDICT_ROUTE, content=body, headers={"content-encoding": "gzip"})

    assert response.status_code == 200
    answers = predictions(response)
    assert answers == pytest.approx(scores, abs=1e-6)


def test_another_coding_is_told_what_is_taken(client):
    response = client.post(PREDICT_ROUTE, content=b"x", headers={"content-encoding": "br"})

    assert response.status_code == 415
    assert response.headers["accept-encoding"] == "gzip"
    assert error(response) == "Content-Encoding is 'br', allowed is gzip or none"


def test_another_charset_is_told_what_is_taken(client):
    content_type = "application/json; charset=iso-8859-1"

    response = client.post(PREDICT_ROUTE, content=b"x", headers={"content-type": content_type})

    assert response.status_code == 415
    assert error(response) == "the charset is 'iso-8859-1', allowed is utf-8"


def test_a_timeout_that_is_none_is_told(client):
    response = client.post(PREDICT_ROUTE, content=b"x", headers={"x-request-timeout": "soon"})

    assert response.status_code == 400
    assert error(response).startswith("X-Request-Timeout is 'soon', allowed is a number")


def test_a_large_body_has_the_answers_and_refusals_of_a_small_one(client, engine):
    """It is parsed in another thread."""
    instances = [engine.sample] * 500
    [score] = engine.predict([engine.sample])

    response = ask(client, {"instances": instances})
    refusal = ask(client, {"instances": [*instances, {"fare": "x"}]})

    assert predictions(response) == pytest.approx([score] * 500, abs=1e-6)
    assert refusal.status_code == 400
    assert error(refusal).startswith("instance 500: the feature fare is 'x'")


def test_instances_are_bounded(client):
    instances = [{}] * MAXIMUM_INSTANCES

    largest = ask(client, {"instances": instances})
    too_large = ask(client, {"instances": [*instances, {}]})

    answers = predictions(largest)
    assert len(answers) == MAXIMUM_INSTANCES
    assert too_large.status_code == 413
    assert error(too_large) == "there are 1001 instances, allowed are at most 1000 a request"


def test_bytes_are_bounded(client):
    body = b'{"instances": [{}]}'.ljust(MAXIMUM_BYTES)

    largest = ask(client, body)
    too_large = ask(client, body + b" ")

    assert largest.status_code == 200
    assert too_large.status_code == 413
    assert error(too_large) == "the body is too large, allowed are at most 10000000 bytes"


@pytest.mark.parametrize(
    ("method", "path", "status", "says"),
    [
        ("POST", "/predict", 404, "POST /predict: not found"),
        ("GET", "/health/", 404, "GET /health/: not found"),
        ("GET", PREDICT_ROUTE, 405, "method not allowed, allowed: POST"),
        ("POST", "/health", 405, "method not allowed, allowed: "),
    ],
)
def test_a_wrong_route_or_method_is_told_in_json(client, method, path, status, says):
    response = client.request(method, path)

    assert response.status_code == status
    assert says in error(response)
    if status == 405:
        assert "allow" in response.headers
    else:
        assert "allow" not in response.headers


@pytest.mark.parametrize("state", ["loading", "draining"])
def test_nothing_is_answered_before_the_model_is_there_or_once_it_drains(
    unready, model, engine, state
):
    if state == "draining":
        unready.serve(model)
        unready.draining = True
    client = TestClient(unready.asgi)

    health = client.get("/health")
    refusal = ask(client, {"instances": [engine.sample]})

    assert health.status_code == 503
    assert health.json() == {"state": state}
    assert refusal.status_code == 503
    assert error(refusal)


def test_a_failure_of_the_model_shows_nothing_of_itself(client, engine, monkeypatch):
    monkeypatch.setitem(engine.signatures, "fails", None)

    failure = ask(client, {"instances": [{}], "signature_name": "fails"})
    success = ask(client, {"instances": [{}]})

    assert failure.status_code == 500
    assert error(failure) == "the server failed at this request; its log tells why"
    assert success.status_code == 200


def test_a_bad_instance_fails_no_other_request(client, engine):
    scores = engine.predict([engine.sample])
    bad = {"instances": [{"fare": "x"}]}
    good = {"instances": [engine.sample]}
    bodies = 20 * [bad, good, good]

    with ThreadPoolExecutor(12) as threads:
        responses = list(threads.map(ask, repeat(client), bodies))

    for body, response in zip(bodies, responses, strict=True):
        if body is bad:
            assert response.status_code == 400
        else:
            answers = predictions(response)
            assert answers == pytest.approx(scores, abs=1e-6)


def test_metrics_count_requests_by_status_instances_and_seconds_and_name_the_model(client, model):
    ask(client, {"instances": [{}, {}]})
    ask(client, {"instances": [{}]})
    ask(client, b"")
    client.get("/health")

    response = client.get("/metrics")

    version = f'path="{model.path}",verified="yes",version="{model.version}"'
    model_labels = f'digest="{model.digest}",model="cab",{version}'
    content_type = response.headers["content-type"]
    samples = set(response.text.splitlines())
    assert content_type.startswith("text/plain; version=")
    assert {
        'esteira_requests_total{signature="serving_default",status="200"} 2.0',
        'esteira_requests_total{signature="",status="400"} 1.0',
        "esteira_instances_total 3.0",
        "esteira_request_seconds_count 3.0",
        f"esteira_model_info{{{model_labels}}} 1.0",
    } <= samples
