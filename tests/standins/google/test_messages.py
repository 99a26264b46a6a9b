"""Pub/Sub in the stand-in refuses what Google documents as too large."""

from collections.abc import Iterator

import pytest

from tests.standins.google.apis import GoogleApis
from tests.standins.google.question import ask

LONG = "v" * 2000
TWO_BYTES = "é" * 2000
KEYS = [f"key{number}" for number in range(101)]
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
    attributes = dict.fromkeys(KEYS[:99], LONG[:1024])
    attributes[LONG[:256]] = TWO_BYTES[:512]

    status, _ = publish(google, attributes)

    assert status == 200
    assert len(builds(google)) == 1


@pytest.mark.parametrize(
    ("attributes", "size"),
    [
        ({"models": LONG[:1025]}, 1025),
        ({"models": TWO_BYTES[:513]}, 1026),
        ({LONG[:257]: "v"}, 257),
        (dict.fromkeys(KEYS, "v"), 101),
    ],
    ids=["value", "value of two bytes a letter", "key", "number"],
)
def test_larger_ones_are_refused_with_all_others(google, attributes, size):
    status, answer = publish(google, {"a": "b"}, attributes)

    assert status == 400
    assert f"is {size}, but the maximum allowed is" in answer["error"]["message"]
    assert builds(google) == []


def test_a_request_holds_a_thousand_messages_at_most(google):
    status, _ = publish(google, *[{"a": "b"}] * 1001)

    assert status == 400
    assert builds(google) == []
