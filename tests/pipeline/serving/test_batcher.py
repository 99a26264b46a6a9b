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
        tasks = [asyncio.create_task(batcher.submit(*request)) for request in requests]
        await asyncio.sleep(0.05)
        model.may.set()
        first_answers = await asyncio.wait_for(first, 5)
        assert first_answers == ["first"]
        answers = asyncio.gather(*tasks, return_exceptions=True)
        return await asyncio.wait_for(answers, 5)

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
    model = Model()
    many = [b"x"] * (MAXIMUM_BATCH - 1)

    answers = asked_while_busy(model, (many, "s"), ([b"a"], "s"), ([b"b"], "s"), ([b"c"], "t"))

    _, *later_batches = model.batches
    sizes = [(signature, len(records)) for signature, records in later_batches]
    assert answers == [["x"] * len(many), ["a"], ["b"], ["c"]]
    assert sizes == [("s", MAXIMUM_BATCH), ("t", 1), ("s", 1)]


def test_a_request_larger_than_a_batch_goes_alone():
    model = Model()

    many = [b"x"] * (MAXIMUM_BATCH + 1)

    [answers] = asked_while_busy(model, (many, "s"))

    assert len(answers) == len(many)


def test_a_model_that_answers_too_little_fails_instead_of_leaving_its_clients_waiting():
    def nothing(_records, _signature):
        return []

    async def ask():
        answers = Batcher(nothing).submit([b"a"], "s")
        return await asyncio.wait_for(answers, 5)

    with pytest.raises(RuntimeError, match="s has 0 answers to 1 records"):
        asyncio.run(ask())
