"""Hostile requests get the right 4xx, and their neighbours their answers."""

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


def test_a_case_whose_status_is_right_is_refused_in_a_sentence(tmp_path):
    case = next(http.cases(Random(SEED)))

    outcome = case.outcome(tmp_path)

    assert outcome.code == http.REFUSED
    assert len(outcome.text) > 10


def test_an_answer_of_another_status_keeps_it(tmp_path):
    request = http_requests.HostileRequest("a good one", http_requests.good(), (400,))

    assert http.outcome(request, tmp_path).code == 200
