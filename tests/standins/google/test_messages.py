"""Pub/Sub in the stand-in refuses sizes above Google's documented limits."""

from collections.abc import Iterator

import pytest

from tests.standins.google.apis import GoogleApis
from tests.standins.google.question import ask

KEY, LONG_KEY = "k" * 256, "k" * 257
VALUE, LONG_VALUE = "v" * 1024, "v" * 1025
WIDE_VALUE = "é" * 512  # of two bytes a letter
LONG_WIDE_VALUE = "é" * 513
KEYS = [f"key{number}" for number in range(101)]
MANY = dict.fromkeys(KEYS, "v")
MOST = dict.fromkeys(KEYS[:99], VALUE)
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def google() -> Iterator[GoogleApis]:
    with GoogleApis() as google:
        google.main = lambda: COMMIT
        yield google


def publish(google: GoogleApis, *attributes: dict[str, str]) -> tuple[int, dict]:
    topic = google.add_topic("p", "promote")
    google.add_trigger("p", "europe-west1", "promote", pubsubConfig={"topic": topic})
    messages = [{"attributes": entry} for entry in attributes]
    return ask(google, "POST", f"pubsub/v1/{topic}:publish", {"messages": messages})


def builds(google: GoogleApis) -> list[str]:
    names = [name for _, name in google.objects]
    return [name for name in names if "/builds/" in name]


def test_the_largest_attributes_are_taken(google):
    status, _ = publish(google, {**MOST, KEY: WIDE_VALUE})

    [_] = builds(google)
    assert status == 200


@pytest.mark.parametrize(
    ("attributes", "size"),
    [
        ({"models": LONG_VALUE}, 1025),
        ({"models": LONG_WIDE_VALUE}, 1026),
        ({LONG_KEY: "v"}, 257),
        (MANY, 101),
    ],
    ids=["value", "value of two bytes a letter", "key", "number"],
)
def test_larger_ones_are_refused_with_all_others(google, attributes, size):
    status, answer = publish(google, {"a": "b"}, attributes)

    message = answer["error"]["message"]
    assert status == 400
    assert f"is {size}, but the maximum allowed is" in message
    assert builds(google) == []


def test_a_request_holds_a_thousand_messages_at_most(google):
    messages = [{"a": "b"}] * 1001

    status, _ = publish(google, *messages)

    assert status == 400
    assert builds(google) == []
