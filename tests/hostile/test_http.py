"""Hostile requests get the right 4xx, and their neighbours their answers."""

import itertools
import threading
from random import Random

import pytest

from tests.hostile import http, http_requests

SEED = 16


@pytest.fixture(scope="module")
def requests():
    return list(http_requests.requests(Random(SEED)))


def test_there_are_two_hundred_and_more(requests):
    names = {request.name for request in requests}
    assert len(requests) >= 200
    assert len(names) >= 100


def test_each_is_refused_in_a_sentence_and_its_neighbours_are_answered(requests):
    server = http.server()
    ended = threading.Event()
    neighbours = []

    def ask():
        while not ended.wait(0.02):
            neighbours.append(http.exchange(server.port, http_requests.good()).code)

    thread = threading.Thread(target=ask)
    thread.start()
    outcomes = [http.exchange(server.port, request.content) for request in requests]
    ended.set()
    thread.join()

    unexpected = [
        (request.name, outcome)
        for request, outcome in zip(requests, outcomes, strict=True)
        if outcome.code not in request.statuses
    ]
    long_texts = [outcome.text for outcome in outcomes if len(outcome.text) > 400]
    assert unexpected == []
    assert long_texts == []
    assert set(neighbours) == {200}
    assert "Traceback" not in server.output


def test_a_case_is_an_outcome_of_the_server(tmp_path):
    [case] = itertools.islice(http.cases(Random(SEED)), 1)

    outcome = case.outcome(tmp_path)

    assert outcome.code == 400
    assert outcome.text.startswith("the body is not JSON")
