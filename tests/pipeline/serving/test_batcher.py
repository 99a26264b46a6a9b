"""Requests queued behind a busy model go together, signatures apart.

Each request gets its own answers or its own failure.
"""

import asyncio
import gc
import math
import threading
import time

import pytest

from pipeline.serving.batcher import MAXIMUM_BATCH, Batcher
from pipeline.serving.waiting import ShedError


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


def asked_while_busy(model, *requests, seconds=0.05, **bounds):
    """The answers or errors of requests during the model's work on b"first"."""

    async def ask():
        batcher = Batcher(model, **bounds)
        first = asyncio.create_task(batcher.submit([b"first"], "s"))
        await asyncio.sleep(0.05)
        tasks = [asyncio.create_task(submitted(batcher, *request)) for request in requests]
        await asyncio.sleep(seconds)
        model.may.set()
        first_answers = await asyncio.wait_for(first, 5)
        assert first_answers == ["first"]
        answers = asyncio.gather(*tasks, return_exceptions=True)
        return await asyncio.wait_for(answers, 5)

    return asyncio.run(ask())


async def submitted(batcher, records, signature, seconds=math.inf, left=lambda: False):
    """The answers within this time from now on."""
    deadline = asyncio.get_running_loop().time() + seconds
    return await batcher.submit(records, signature, deadline=deadline, left=left)


def reason(error):
    assert isinstance(error, ShedError)
    return error.reason


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


def test_what_has_no_room_is_refused_at_once_and_what_has_is_answered():
    model = Model()
    many = [b"x"] * 9
    requests = ((many, "s"), ([b"a"], "t"), ([b"b"], "s"))

    most, last, excess = asked_while_busy(model, *requests, maximum_records=10)

    assert len(most) == len(many)
    assert last == ["a"]
    assert reason(excess) == "full"


def test_requests_are_bounded_beside_their_records():
    model = Model()
    requests = [([b"a"], "s")] * 4

    *answers, excess = asked_while_busy(model, *requests, maximum_requests=3)

    assert answers == [["a"]] * 3
    assert reason(excess) == "full"


def test_what_a_slow_model_will_not_come_to_in_time_is_refused_at_once():
    def slow(records, signature):
        time.sleep(0.1)
        return records

    async def ask():
        batcher = Batcher(slow, maximum_batch=1, maximum_seconds=1)
        await batcher.submit([b"first"], "s")
        start = time.monotonic()
        tasks = [asyncio.create_task(batcher.submit([b"a"], "s")) for _ in range(9)]
        await asyncio.sleep(0.05)
        early = [task for task in tasks if task.done()]
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        return len(early), ended, time.monotonic() - start

    early_count, ended, seconds = asyncio.run(ask())

    answers = [end for end in ended if isinstance(end, list)]
    # Five batches are half of the second; on a busy machine fewer are.
    assert 4 <= early_count <= 8
    assert answers == [[b"a"]] * (9 - early_count)
    assert seconds < 2


def test_a_request_of_any_size_has_room_where_nothing_waits():
    model = Model()

    [answers] = asked_while_busy(model, ([b"x"] * 5, "s"), maximum_records=2)

    assert answers == ["x"] * 5


def test_what_has_waited_too_long_is_told_while_the_model_is_still_busy():
    async def ask():
        model = Model()
        batcher = Batcher(model, maximum_seconds=0.1)
        first = asyncio.create_task(batcher.submit([b"first"], "s"))
        await asyncio.sleep(0.02)
        with pytest.raises(ShedError) as error:
            await asyncio.wait_for(batcher.submit([b"a"], "s"), 2)
        depth = batcher.depth
        model.may.set()
        await first
        return error.value, depth

    error, depth = asyncio.run(ask())

    assert reason(error) == "late"
    assert depth == 0


def test_a_deadline_that_has_passed_keeps_a_request_from_the_model():
    model = Model()

    late, early = asked_while_busy(model, ([b"a"], "s", 0.01), ([b"b"], "s", 5), seconds=0.03)

    assert reason(late) == "timeout"
    assert early == ["b"]
    assert model.batches == [("s", [b"first"]), ("s", [b"b"])]


def test_a_client_that_has_left_keeps_its_request_from_the_model():
    model = Model()

    left, stayed = asked_while_busy(
        model, ([b"a"], "s", 5, lambda: True), ([b"b"], "s", 5, lambda: False)
    )

    assert reason(left) == "left"
    assert stayed == ["b"]
    assert model.batches == [("s", [b"first"]), ("s", [b"b"])]


def test_the_queue_s_depth_and_age_are_of_what_waits():
    model = Model()

    async def ask():
        batcher = Batcher(model)
        first = asyncio.create_task(batcher.submit([b"first"], "s"))
        await asyncio.sleep(0.02)
        second = asyncio.create_task(batcher.submit([b"a", b"b"], "s"))
        await asyncio.sleep(0.02)
        during = batcher.depth, batcher.age()
        model.may.set()
        await asyncio.gather(first, second)
        return during, (batcher.depth, batcher.age())

    (depth, age), after = asyncio.run(ask())

    assert depth == 2
    assert 0.02 <= age < 1
    assert after == (0, 0)


def test_the_request_that_fails_is_found_in_few_batches():
    model = Model()
    good = [([b"a"], "s")] * 63

    answers = asked_while_busy(model, *good, ([b"bad"], "s"))

    *answers, error = answers
    assert answers == [["a"]] * 63
    assert str(error) == "bad"
    assert len(model.batches) < 20


def test_a_thread_ends_with_its_batcher():
    before = set(threading.enumerate())
    asked_while_busy(Model(), ([b"a"], "s"))

    gc.collect()
    for thread in set(threading.enumerate()) - before:
        thread.join(2)

    threads = set(threading.enumerate()) - before
    assert not threads
