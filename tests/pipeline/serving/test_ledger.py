"""The request log's figures through faults in any order: they add up, and the table agrees."""

import time
from pathlib import Path
from random import Random

import pytest

from pipeline.serving.request_log.entry import Entry
from pipeline.serving.request_log.queue import RequestLog
from pipeline.serving.request_log.table import RefusedError
from tests.pipeline.serving.logged_table import SECONDS, adds_up

OUTCOMES = ["taken", "first refused", "bad", "too large", "unreachable", "answer lost"]
STATUSES = {"bad": 400, "too large": 413}
ROWS = 40


class FaultyTable:
    """A table whose inserts have these outcomes, and succeed thereafter."""

    name = "demo.log.requests"

    def __init__(self, outcomes: list[str]) -> None:
        self.outcomes = outcomes
        self.request_ids: set[str] = set()

    def connect(self) -> "FaultyTable":
        return self

    def insert(self, rows):
        outcome = self.outcomes.pop() if self.outcomes else "taken"
        if outcome in STATUSES:
            raise RefusedError(STATUSES[outcome])
        if outcome == "unreachable":
            raise ConnectionError(outcome)
        refused_rows = rows[:1] if outcome == "first refused" else []
        self.request_ids |= {row["request_id"] for row in rows[len(refused_rows) :]}
        if outcome == "answer lost":
            raise ConnectionError(outcome)
        return [outcome] * len(refused_rows)


@pytest.mark.parametrize("seed", range(3))
def test_each_row_has_one_place_at_each_moment(tmp_path: Path, seed: int):
    outcomes = [*OUTCOMES, "bad", "too large"]
    Random(seed).shuffle(outcomes)
    table = FaultyTable(outcomes)
    log = RequestLog(table, tmp_path, sampling_rate=1, flush_seconds=0.02, queue_bytes=300)
    log.start()
    counts = []
    for number in range(ROWS):
        request = b'{"instances": [%d]}' % number if number % 9 else b"none"
        log.add(Entry("cab", "7", time.time(), request, b'{"predictions": [1]}'))
        counts.append(log.ledger.count())
        time.sleep(0.005)
    deadline = time.monotonic() + SECONDS
    while counts[-1].queued or counts[-1].spooled:
        assert time.monotonic() < deadline
        counts.append(log.ledger.count())
        time.sleep(0.005)

    log.stop(1)
    wrong_counts = [count for count in counts if not adds_up(count)]
    assert wrong_counts == []
    assert counts[-1].sampled == ROWS
    # A row whose insert was lost and refused the next time is in the table, and counts as refused.
    assert counts[-1].written <= len(table.request_ids) <= counts[-1].written + 1
