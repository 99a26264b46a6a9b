"""A listing of the stand-in has pages, and may begin with an empty one as Google's may."""

from collections.abc import Iterator

import pytest

from tests.standins.google.apis import GoogleApis
from tests.standins.google.question import ask

TOPICS = "pubsub/v1/projects/p/topics"


@pytest.fixture
def google() -> Iterator[GoogleApis]:
    with GoogleApis() as google:
        for name in ("a", "b", "c"):
            google.add_topic("p", name)
        yield google


def next_page(google: GoogleApis, path: str, page: dict) -> dict:
    token = page["nextPageToken"]
    _, answer = ask(google, "GET", f"{path}pageToken={token}")
    return answer


def test_a_page_has_the_asked_size_and_names_the_next(google):
    _, first_page = ask(google, "GET", f"{TOPICS}?pageSize=2")
    last_page = next_page(google, f"{TOPICS}?pageSize=2&", first_page)

    first_topics, last_topics = first_page["topics"], last_page["topics"]
    assert len(first_topics) == 2
    assert len(last_topics) == 1
    assert "nextPageToken" not in last_page


def test_a_listing_may_begin_with_an_empty_page(google):
    google.begin_listings_empty()

    _, first_page = ask(google, "GET", TOPICS)
    second_page = next_page(google, f"{TOPICS}?", first_page)

    topics = second_page["topics"]
    assert "topics" not in first_page
    assert len(topics) == 3


def test_an_object_is_no_listing(google):
    google.begin_listings_empty()

    _, topic = ask(google, "GET", f"{TOPICS}/a")

    assert topic["name"] == "projects/p/topics/a"
