"""The loop in short: the tests' own cab, trained by `run --until` in place of a stage."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest
from rich.console import Console

from tests.loop import replay
from tests.loop.loop import Loop
from tests.loop.steps import Steps
from tests.loop.story import Story
from tests.loop.trainers import Here
from tests.pipeline.conftest import CommandResult, parsed
from tests.team import MODELS

BEGIN = 1_772_323_200  # 2026-03-01
EARLY_HOURS = 5 * 24
ROWS = 4_000
SECONDS = 300  # from one ride to the next
STORY = Story(
    folder=MODELS / "cab",
    early=date(2026, 3, 6),
    late=date(2026, 3, 12),
    window_days=2,
    sampling_rate=0.5,
    values={
        r"^window_days = .*$": "window_days = 6",
        r"^\[monitoring\]$": "[monitoring]\nwindow_days = 2",
    },
)


def write_rides(file, *, cards):
    """Rides of two weeks, paid by card in a share `cards` of those after the first five days.

    Those who tip pay by card before, and in cash after.
    """
    random = np.random.default_rng(5)
    seconds = SECONDS * np.arange(ROWS)
    hours = seconds // 3600
    is_late = hours >= EARLY_HOURS
    card_shares = np.where(is_late, cards, 0.3)
    is_card = random.random(ROWS) < card_shares
    tip_shares = np.where(is_card != is_late, 0.8, 0.1)
    is_tipped = random.random(ROWS) < tip_shares
    fares = random.uniform(4, 30, ROWS).round(2)
    tips = np.where(is_tipped, 0.3 * fares, 0)
    columns = {
        "trip_start_timestamp": BEGIN + seconds,
        "trip_start_hour": hours % 24,
        "fare": fares,
        "tips": tips.round(2),
        "trip_miles": fares.round(0),
        "trip_seconds": random.integers(120, 2400, ROWS),
        "payment_type": np.where(is_card, "Credit Card", "Cash"),
        "company": random.choice(["Blue Cab", "Yellow Cab"], ROWS),
        "pickup_census_tract": np.full(ROWS, 17031),
    }
    table = pa.table(columns)
    pyarrow.csv.write_csv(table, file)


@dataclass(frozen=True)
class InThisProcess:
    """Verbs without a process of their own."""

    cli: Callable[..., CommandResult]

    def call(self, *arguments, codes=(0,)):
        result = self.cli(*arguments, "--json")
        assert result.code in codes, result.err
        return parsed(result)


@pytest.fixture
def bigquery_url(tmp_path, monkeypatch):
    with replay.log_server(tmp_path / "bigquery") as url:
        monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", url)
        yield url


@pytest.fixture
def loop(tmp_path, cli):
    runs = tmp_path / "runs"
    runs.mkdir()
    folder = STORY.copy(tmp_path)
    verbs = InThisProcess(cli)
    trainer = Here(folder, runs, verbs)
    steps = Steps(Console(quiet=True))
    return Loop(STORY, folder, runs, steps, trainer, verbs)


def test_drift_is_noticed_and_the_next_model_is_better_on_rows_that_neither_had(loop, bigquery_url):
    write_rides(loop.folder / "rows.csv", cards=0.6)

    difference = loop.run(bigquery_url)

    figures = json.loads((loop.runs / "figures.json").read_text())
    outcomes = [step["outcome"] for step in figures["steps"]]
    judged = [outcome for outcome in outcomes if "payment_type is" in outcome]
    assert difference.low > 0
    assert len(judged) >= 2, outcomes
    assert all(outcome.startswith("drift: ") for outcome in judged)
    assert (loop.runs / "monitoring/cab.html").is_file()
