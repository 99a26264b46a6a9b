"""`monitor` with a table of outcomes, on one machine."""

import itertools
import json
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import numpy as np
import pytest

from pipeline.baseline import content
from pipeline.baseline.content import Gate, Labels
from tests.pipeline.conftest import parsed
from tests.pipeline.monitoring import cab, outcome_tables
from tests.pipeline.monitoring.scored import calibration_of
from tests.pipeline.monitoring.watched import YESTERDAY

DELAY = 2
MEASURED = YESTERDAY - timedelta(days=DELAY)
ROWS = 420
KEYS = itertools.count(1)


def world(rows, seed):
    """Scores, and outcomes that are as they promise."""
    random = np.random.default_rng(seed)
    scores = random.beta(0.7, 1.3, rows)
    return scores, random.random(rows) < scores


@pytest.fixture
def runs(tmp_path):
    """Runs with a published version, 1, whose outcomes arrive in the table `outcomes`."""
    baseline = replace(
        cab.baseline(window_days=3),
        calibration=calibration_of(*world(9000, seed=1)),
        gate=Gate(metric="auc", lower_bound=0.7),
        labels=Labels(table="outcomes", delay_days=DELAY),
    )
    folder = tmp_path / "store/cab/published/1"
    folder.mkdir(parents=True)
    (folder / content.NAME).write_bytes(content.encode(baseline))
    return tmp_path


@pytest.fixture
def monitor(cli, runs, dataset):
    def call(*options):
        return cli("monitor", "cab", "--request-log", dataset.log, "--runs", runs, *options)

    return call


@pytest.fixture
def asked(dataset):
    """Requests of yesterday and of the measured day; the latter's keys and true outcomes."""
    dataset.create_log()
    ask(dataset, YESTERDAY)
    return ask(dataset, MEASURED)


def ask(dataset, day):
    scores, labels = world(ROWS, seed=day.toordinal())
    rows = cab.requests(cab.rows(ROWS, seed=5), day, "1")
    keys = [f"trip {next(KEYS)}" for _ in rows]
    for row, key, score in zip(rows, keys, scores, strict=True):
        instance = json.loads(row["request_payload"][0])
        row["request_payload"] = [json.dumps(instance | {"_key": key})]
        row["response_payload"] = [str(score)]
    assert dataset.client.insert_rows_json(dataset.log, rows) == []
    return dict(zip(keys, labels.tolist(), strict=True))


def tell(dataset, outcomes):
    """Let these outcomes arrive a day after the requests."""
    known_at = datetime.combine(MEASURED, time(12), UTC) + timedelta(days=1)
    rows = [
        {"key": key, "outcome": int(value), "known_at": known_at.isoformat()}
        for key, value in outcomes.items()
    ]
    outcome_tables.load(dataset.client, f"{dataset.name}.outcomes", rows)


@pytest.fixture
def outcomes(dataset, asked):
    outcome_tables.make(dataset.client, f"{dataset.name}.outcomes")


def test_outcomes_that_are_not_there_yet_are_expected_and_later_measured(
    dataset, asked, outcomes, monitor
):
    before = monitor("--json")
    tell(dataset, asked)
    after = monitor("--json")

    [expected], [measured] = parsed(before), parsed(after)
    assert (before.code, after.code) == (0, 0), before.err + after.err
    assert expected["verdict"] == measured["verdict"] == "ok"
    assert "AUC is expected to be 0.8" in expected["sentence"]
    assert "no usable outcome of 420 keyed instances is known" in expected["sentence"]
    assert expected["quality"]["source"] == "scores"
    assert measured["quality"]["source"] == "outcomes"
    assert measured["quality"]["parts"][0]["figure"]["rows"] == ROWS


def test_outcomes_other_than_promised_need_somebody(dataset, asked, outcomes, monitor, runs):
    tell(dataset, {key: place % 2 for place, key in enumerate(asked)})

    result = monitor()

    [row] = dataset.rows("verdicts")
    [finding] = json.loads(row["findings"])
    assert result.code == 3, result.err
    assert "cab: version 1: worse: AUC fell to 0." in result.out
    assert finding["event"] == "worse"
    assert "AUC fell to 0." in (runs / "monitoring/cab.html").read_text()


def test_a_missing_table_of_outcomes_is_one_sentence_and_loses_no_verdict(dataset, asked, monitor):
    result = monitor()

    [sentence] = [line for line in result.error_lines if "monitor: cab: " in line]
    assert result.code == 1
    assert f"the table of outcomes {dataset.name}.outcomes is missing, allowed is" in sentence
    assert "Traceback" not in result.err
    assert dataset.verdicts() == {("1", YESTERDAY): "ok"}
