"""`monitor` on one machine: published versions, and a log that a server of one's own wrote."""

import json
import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from pipeline.author import author
from pipeline.baseline import content
from tests.pipeline.conftest import parsed
from tests.pipeline.monitoring import cab
from tests.pipeline.monitoring.watched import YESTERDAY, Dataset
from tests.standins.fault_proxy import proxied
from tests.team import TEAM, variables


@pytest.fixture
def runs(tmp_path: Path, cab_baseline) -> Path:
    """Runs with one published version, 1."""
    publish(tmp_path, "1", cab_baseline)
    return tmp_path


def publish(runs: Path, version: str, baseline=None) -> None:
    folder = runs / "store/cab/published" / version
    folder.mkdir(parents=True)
    if baseline is not None:
        (folder / content.NAME).write_bytes(content.encode(baseline))


@pytest.fixture
def monitor(cli, runs, dataset):
    def call(*options):
        return cli("monitor", "cab", "--request-log", dataset.log, "--runs", runs, *options)

    return call


@pytest.fixture
def log(dataset: Dataset) -> Dataset:
    dataset.create_log()
    return dataset


def test_each_version_that_was_asked_is_judged_apart(log, monitor, runs):
    publish(runs, "2", cab.baseline(factor=2.0, window_days=1))
    publish(runs, "3", cab.baseline(factor=2.0, window_days=1))
    log.fill("1")
    log.fill("2", factor=2.0)
    log.fill("3", factor=2.0, daily=4)  # a canary at 1 %
    log.fill("9")

    result = monitor()

    page = (runs / "monitoring/cab.html").read_text()
    assert result.code == 3, result.err
    assert "cab: version 1: ok: 420 instances like the training rows" in result.out
    assert f"page: {runs}/monitoring/cab.html" in result.out
    assert {id_: kind for (id_, _), kind in log.verdicts().items()} == {
        "1": "ok",
        "2": "ok",
        "3": "not enough data",
        "9": "no baseline",
    }
    assert "9 is no deployed model" in page
    assert "cab" in (runs / "monitoring/index.html").read_text()


def test_a_day_judged_again_takes_the_place_of_its_row_with_rows_that_came_late(log, monitor):
    log.fill("1", missing=0.3)
    first = monitor("--json")
    profiles = log.rows("profiles")
    log.add(cab.rows(40, seed=77, missing=0.3), YESTERDAY, "1")

    again = monitor("--verdict-succeeds")

    [verdict] = parsed(first)
    [row] = log.rows("verdicts")
    [finding] = json.loads(row["findings"])
    assert first.code == 3
    assert verdict["verdict"] == "fault"
    assert verdict["needs_someone"] is True
    assert verdict["findings"][0]["columns"] == ["fare"]
    assert again.code == 0
    assert "cab: version 1: fault: fare is missing" in again.out
    assert row["instances"] == 460
    assert row["told"] is True
    assert finding["since"] == str(YESTERDAY)
    assert len(log.rows("profiles")) == len(profiles)


def test_since_fills_days_in_and_a_finding_is_as_old_as_its_first_day(log, monitor):
    log.fill("1", days=3, missing=0.3)
    days = [YESTERDAY - timedelta(days=back) for back in range(3)]

    result = monitor("--since", days[-1])

    rows = {row["window_begin"].date(): row for row in log.rows("verdicts")}
    [finding] = json.loads(rows[YESTERDAY]["findings"])
    assert result.code == 3, result.err
    assert log.verdicts() == {("1", day): "fault" for day in days}
    assert finding["since"] == str(days[-1])
    assert finding["told"] == str(YESTERDAY)  # a day that is filled in is nobody's alert


def test_a_baseline_of_other_bins_has_the_days_before_counted_again(log, monitor, runs):
    log.fill("1", days=2, factor=2.0)
    monitor("--since", YESTERDAY - timedelta(days=1))
    file = runs / "store/cab/published/1" / content.NAME
    file.write_bytes(content.encode(cab.baseline(factor=2.0, window_days=1)))

    result = monitor()

    bins = {row["bins"] for row in log.rows("profiles")}
    assert result.code == 0, result.err
    assert len(bins) == 1


def test_days_that_are_filled_in_hide_no_later_verdict_on_the_overview(log, monitor, runs):
    day_before = YESTERDAY - timedelta(days=1)
    log.fill("1", days=2)
    log.fill("1", last=day_before, missing=0.3)
    monitor()

    result = monitor("--date", day_before)

    overview = (runs / "monitoring/index.html").read_text()
    assert result.code == 3, result.err
    assert "Nothing to do: 1 judged" in overview


def test_a_version_of_ai_platform_is_the_published_version_of_its_number(dataset, monitor):
    dataset.create_legacy_log()
    dataset.fill_legacy("cabs", "v1")

    result = monitor("--legacy-model", "cabs")

    assert result.code == 0, result.err
    assert "cab: version 1: ok: 420 instances" in result.out


def test_a_drift_in_two_of_three_windows_says_by_which_command_to_retrain(log, monitor, runs):
    log.fill("1", days=2, cash=0.3)

    switched_off = monitor("--since", YESTERDAY - timedelta(days=1))
    # The row is there and says so: what is asked for takes its place.
    result = monitor("--request-retraining", "yes", "--json")
    again = monitor()

    [verdict] = parsed(result)
    until = YESTERDAY + timedelta(days=1)
    command = f"python3 -m pipeline run cab --until {until}"
    rows = {row["window_begin"].date(): row["retraining"] for row in log.rows("verdicts")}
    assert "no retraining is asked for: --request-retraining is no" in switched_off.out
    assert verdict["verdict"] == "drift"
    assert f"there is no topic here to ask: run `{command}`" in verdict["retraining"]
    assert rows[YESTERDAY] == verdict["retraining"]
    assert command in again.out  # what was said stays said
    assert command in (runs / "monitoring/cab.html").read_text()


def test_a_log_that_is_not_there_is_no_requests(dataset, monitor):
    result = monitor()

    assert result.code == 3
    assert f"no requests: the log has no request on {YESTERDAY}" in result.out


def test_bigquery_that_refuses_is_one_sentence_and_the_next_time_completes(
    log, monitor, monkeypatch
):
    log.fill("1")
    address = os.environ["BIGQUERY_EMULATOR_HOST"].removeprefix("http://")
    with proxied(address, faulty_path="/jobs") as refusing, monkeypatch.context() as patch:
        patch.setenv("BIGQUERY_EMULATOR_HOST", refusing.url)
        refusing.outage = 403
        refused = monitor()

    completed = monitor()

    assert refused.code == 1
    assert len([line for line in refused.error_lines if "monitor: cab: " in line]) == 1
    assert "Traceback" not in refused.err
    assert completed.code == 0
    assert log.verdicts() == {("1", YESTERDAY): "ok"}


def test_killed_between_profile_and_verdict_the_next_time_completes_once(log, monitor, runs):
    log.fill("1")
    command = [sys.executable, "-u", "-m", "pipeline", "monitor", "cab"]
    flags = ["--request-log", log.log, "--runs", str(runs)]
    environment = variables() | {"ESTEIRA_ENVIRONMENT": "pipeline"}
    process = subprocess.Popen(
        [*command, *flags], cwd=TEAM, env=environment, stderr=subprocess.PIPE, text=True
    )
    for line in process.stderr:
        if line.startswith("cab judge"):
            process.kill()
    code = process.wait()
    counted = log.rows("profiles")
    verdicts = log.rows("verdicts")

    result = monitor()

    assert code == -signal.SIGKILL
    assert counted != []
    assert verdicts == []
    assert result.code == 0, result.err
    assert log.verdicts() == {("1", YESTERDAY): "ok"}
    assert len(log.rows("profiles")) == len(counted)


def test_an_accepted_change_needs_nobody_and_is_shown_with_who_and_why(log, monitor, runs):
    log.fill("1", missing=0.3)
    until = YESTERDAY + timedelta(days=30)
    known = ("--until", until, "--because", "the meter is new")

    unknown = monitor("--accept", "fares", *known)
    accepted = monitor("--accept", "fare", *known)
    result = monitor()

    [row] = log.rows("acceptances")
    assert unknown.code == 2
    assert "--accept is 'fares', allowed are the columns of cab: fare" in unknown.sentence
    assert accepted.code == 0, accepted.err
    assert result.code == 0, result.out
    assert f"until {until}: the meter is new" in result.out
    assert "the meter is new" in (runs / "monitoring/cab.html").read_text()
    assert (row["model"], row["feature"], row["ends_on"]) == ("cab", "fare", until)
    assert row["accepted_by"] == author()
