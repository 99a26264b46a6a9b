"""Requests queued behind a busy model go together, signatures apart.

Each request gets its own answers or its own failure.
"""

import asyncio
import threading

import pytest

from pipeline.serving.batcher import MAXIMUM_BATCH, Batcher


class Model:
    """Answers a record with its text, once it may; keeps the batches it was given."""

    def __init__(self):
        self.batches = []
        self.may = threading.Event()

    def __call__(self, records, signature):
        assert self.may.wait(5)
        self.batches.append((signature, records))
        if b"bad" in records:
            raise ValueError("bad")
        return [record.decode() for record in records]


def asked_while_busy(model, *requests):
    """The answers or errors of requests during the model's work on b"first"."""

    async def ask():
        batcher = Batcher(model)
        first = asyncio.create_task(batcher.submit([b"first"], "s"))
        await asyncio.sleep(0.05)
        tasks = [
            asyncio.create_task(batcher.submit(records, signature))
            for records, signature in requests
        ]
        await asyncio.sleep(0.05)
        model.may.set()
        assert await asyncio.wait_for(first, 5) == ["first"]
        return await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 5)

    return asyncio.run(ask())


def test_what_waits_shares_the_next_batch_and_signatures_stay_apart():
    model = Model()

    answers = asked_while_busy(model, ([b"a", b"b"], "s"), ([b"c"], "t"), ([b"d"], "s"))

    assert answers == [["a", "b"], ["c"], ["d"]]
    assert model.batches == [("s", [b"first"]), ("s", [b"a", b"b", b"d"]), ("t", [b"c"])]


def test_a_failure_is_only_its_own_request_s():
    model = Model()

    good, bad, neighbour = asked_while_busy(model, ([b"a"], "s"), ([b"bad"], "s"), ([b"b"], "s"))

    assert good == ["a"]
    assert str(bad) == "bad"
    assert neighbour == ["b"]


def test_a_batch_is_bounded_and_what_is_left_lets_another_signature_pass():
    model, many = Model(), [b"x"] * (MAXIMUM_BATCH - 1)

    answers = asked_while_busy(model, (many, "s"), ([b"a"], "s"), ([b"b"], "s"), ([b"c"], "t"))

    assert [len(a) for a in answers] == [MAXIMUM_BATCH - 1, 1, 1, 1]
    assert [(signature, len(records)) for signature, records in model.batches[1:]] == [
        ("s", MAXIMUM_BATCH),
        ("t", 1),
        ("s", 1),
    ]


def test_a_request_larger_than_a_batch_goes_alone():
    model = Model()

    [answers] = asked_while_busy(model, ([b"x"] * (MAXIMUM_BATCH + 1), "s"))

    assert len(answers) == MAXIMUM_BATCH + 1


def test_a_model_that_answers_too_little_fails_instead_of_leaving_its_clients_waiting():
    def nothing(_records, _signature):
        return []

    async def ask():
        return await asyncio.wait_for(Batcher(nothing).submit([b"a"], "s"), 5)

    with pytest.raises(RuntimeError, match="s has 0 answers to 1 records"):
        asyncio.run(ask())
