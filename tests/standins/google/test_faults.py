"""Planted refusals and lost answers of Google's stand-in."""

import http.client
from collections.abc import Iterator

import pytest

from tests.standins.google.apis import GoogleApis
from tests.standins.google.faults import LOST, Fault
from tests.standins.google.question import ask

TOPIC = "pubsub/v1/projects/p/topics/retrain"


@pytest.fixture
def google() -> Iterator[GoogleApis]:
    with GoogleApis() as google:
        yield google


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (403, "PERMISSION_DENIED"),
        (404, "NOT_FOUND"),
        (409, "ALREADY_EXISTS"),
        (429, "RESOURCE_EXHAUSTED"),
        (503, "UNAVAILABLE"),
    ],
)
def test_a_planted_refusal_is_googles_and_nothing_is_done(google, code, status):
    google.faults.append(Fault("PUT", "/topics/", code))

    answered, body = ask(google, "PUT", TOPIC)

    assert answered == code
    assert body["error"]["code"] == code
    assert body["error"]["status"] == status
    assert google.objects == {}


def test_a_lost_answer_is_one_of_a_call_that_was_done(google):
    google.faults.append(Fault("PUT", "/topics/", LOST))

    with pytest.raises(http.client.RemoteDisconnected):
        ask(google, "PUT", TOPIC)

    assert ("pubsub", "projects/p/topics/retrain") in google.objects
    assert google.requests == [("PUT", f"/{TOPIC}", LOST)]


def test_a_fault_waits_for_its_request_and_is_used_up_by_it(google):
    other_fault = Fault("GET", "/topics/other", 503)
    google.faults += [other_fault, Fault("GET", "/topics/retrain$", 429)]

    creation, _ = ask(google, "PUT", TOPIC)
    first_read, _ = ask(google, "GET", TOPIC)
    second_read, _ = ask(google, "GET", TOPIC)

    assert creation == 200
    assert first_read == 429
    assert second_read == 200
    assert google.faults == [other_fault]
