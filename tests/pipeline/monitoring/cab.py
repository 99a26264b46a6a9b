"""A model of two columns: its baseline, and requests like its training rows or unlike them."""

import datetime
import itertools
import json
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from pipeline.baseline import compose, counting
from pipeline.baseline.content import Baseline
from pipeline.baseline.profile import Profile

ROWS = 8_000
SCHEMA = {"fare": "FLOAT", "payment_type": "BYTES"}
BEGIN = np.datetime64("2026-01-01T00:00:00")
TYPES = ("Cash", "Credit Card", "Prcard")
REQUEST_IDS = itertools.count(1)


@dataclass(frozen=True, kw_only=True)
class Settings:
    personal: tuple[str, ...] = ()
    leave_out: tuple[str, ...] = ()
    window_days: int = 7
    false_alarms_a_year: float = 1.0
    limits: dict[str, float] = field(default_factory=dict)


def rows(
    count: int, seed: int, *, factor: float = 1.0, missing: float = 0.0, cash: float = 0.6
) -> pa.Table:
    """Rows with fares that are `factor` times as high, a share of them without one.

    `cash` is the share of those that were paid so: another one is a drift and no fault.
    """
    random = np.random.default_rng(seed)
    fares = np.round(random.lognormal(2, 0.6, count) * factor, 2)
    is_missing = random.random(count) < missing
    card = round(0.9 - cash, 3)
    types = random.choice(TYPES, count, p=(cash, card, 0.1))
    return pa.table({"fare": pa.array(fares, mask=is_missing), "payment_type": pa.array(types)})


def baseline(factor: float = 1.0, window_days: int = 7) -> Baseline:
    """Of rows spread evenly over a hundred days."""
    random = np.random.default_rng(9)
    seconds = np.sort(random.integers(0, 100 * 86_400, ROWS))
    labels = random.random(1_000) < 0.3
    return compose.compose(
        rows(ROWS, seed=3, factor=factor),
        times=BEGIN + seconds.astype("timedelta64[s]"),
        settings=Settings(window_days=window_days),
        scores=random.random(1_000),
        labels=labels.astype(np.int64),
        importances={"fare": 0.2, "payment_type": 0.1},
        slices=(),
        schema=SCHEMA,
        model="cab",
        digest=f"sha256:{'0' * 64}",
    )


def profile(of: Baseline, table: pa.Table) -> Profile:
    """The counts of rows, each in a request of its own."""
    return counting.profile(of, table, np.full(table.num_rows, 0.5))


def requests(
    table: pa.Table, day: datetime.date, deployed_model_id: str
) -> list[dict[str, object]]:
    """Rows of the log's table: a request for each of the rows, through the day."""
    begin = datetime.datetime.combine(day, datetime.time(), datetime.UTC)
    step = datetime.timedelta(days=1) / (table.num_rows + 1)
    return [
        {
            "endpoint": "cab",
            "deployed_model_id": deployed_model_id,
            "logging_time": (begin + number * step).isoformat(),
            "request_id": str(next(REQUEST_IDS)),
            "request_payload": [json.dumps(row)],
            "response_payload": ["0.5"],
        }
        for number, row in enumerate(table.to_pylist())
    ]
