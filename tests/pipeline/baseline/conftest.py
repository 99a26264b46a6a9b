"""A table of four columns, and the settings of its baseline."""

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pytest

from pipeline.baseline import compose

SCHEMA = {"price": "FLOAT", "city": "BYTES", "hour": "INT", "name": "BYTES"}
DAY = np.timedelta64(1, "D")
FIRST = np.datetime64("2025-01-06T00:00:00")


@dataclass(frozen=True)
class Settings:
    personal: tuple = ()
    leave_out: tuple = ()
    window_days: int = 7
    false_alarms_a_year: float = 1.0
    limits: dict = field(default_factory=dict)


@pytest.fixture(scope="session")
def times():
    """Ten weeks, 100 rows a day."""
    days = np.repeat(np.arange(70), 100)
    seconds = np.random.default_rng(1).integers(0, 86400, days.size)
    return FIRST + days * DAY + seconds.astype("timedelta64[s]")


@pytest.fixture(scope="session")
def rows(times):
    random = np.random.default_rng(2)
    hours = (times - times.astype("datetime64[D]")).astype(int) // 3600
    people = [f"person {number}" for number in random.integers(0, 3000, times.size)]
    return pa.table(
        {
            "price": random.lognormal(2, 0.6, times.size).round(2),
            "city": random.choice(["Ghent", "Lille", "Porto"], times.size, p=[0.5, 0.3, 0.2]),
            "hour": hours,
            "name": people,
        }
    )


@pytest.fixture
def composed(rows, times):
    """Compose the baseline of the rows, or of others, with some of the settings."""

    def compose_it(table=rows, moments=times, schema=SCHEMA, **settings):
        size = table.num_rows
        return compose.compose(
            table,
            times=moments,
            settings=Settings(**settings),
            scores=np.linspace(0, 1, size),
            labels=np.arange(size) % 2,
            importances={"price": 0.1},
            slices=(),
            schema=schema,
            model="cab",
            digest="0" * 64,
        )

    return compose_it
