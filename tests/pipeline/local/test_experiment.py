"""`run --set`: other hyperparameters without an edit, in turn, and nothing is published."""

import json
import os
import re
import signal
import subprocess
import sys

import pytest

from settings import REPOSITORY
from tests.pipeline.conftest import NODES, parsed


def start(trained, *arguments):
    """Begin `run` in a process group of its own, so that Ctrl-C reaches all of it."""
    command = [sys.executable, "-m", "pipeline", "run", str(trained.folder)]
    return subprocess.Popen(
        [*command, "--runs", str(trained.runs), *arguments],
        cwd=REPOSITORY,
        env=os.environ | {"ESTEIRA_ENVIRONMENT": "pipeline"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@pytest.fixture(scope="module")
def sweep(trained):
    """The summaries of two runs in turn, and what was told meanwhile."""
    process = start(trained, "--set", "learning_rate=0.02,0.04", "--tag", "rates", "--json")
    output, errors = process.communicate()
    assert process.returncode in (0, 3), errors
    return json.loads(output), errors


def states(summary):
    return {node["id"]: node["state"] for node in summary["nodes"]}


def test_each_run_has_its_own_values(sweep):
    summaries, errors = sweep

    rates = [each["records"]["hyperparameters"]["learning_rate"] for each in summaries]
    assert rates == [0.02, 0.04]
    assert "run 2 of 2: learning_rate 0.04" in errors


def test_what_was_set_is_recorded_apart_from_the_file(sweep, trained):
    summaries, _ = sweep

    records = summaries[0]["records"]
    files = trained.summary["records"]["code"]["files"]
    assert records["parameters"]["set"] == {"learning_rate": 0.02}
    assert records["code"]["files"] == files


def test_the_statement_of_the_model_names_what_was_set(sweep, trained):
    summaries, _ = sweep

    statement = json.loads((trained.runs / summaries[1]["run"] / "provenance.json").read_text())
    parameters = statement["predicate"]["buildDefinition"]["externalParameters"]
    assert parameters["set"] == {"learning_rate": 0.04}


def test_an_experiment_publishes_nothing(sweep, trained):
    summaries, _ = sweep

    decisions = [each["decision"] for each in summaries]
    assert [each["published"] for each in decisions] == [None, None]
    assert all("Pusher" not in states(each) for each in summaries)
    assert set(states(summaries[0])) == {*NODES} - {"Pusher"}


def test_an_experiment_is_compared_with_the_last_blessed_model(sweep, trained):
    summaries, _ = sweep

    baselines = [each["baseline"]["metrics"]["auc"] for each in summaries]
    assert baselines == [trained.summary["metrics"]["auc"]] * 2


def test_the_second_run_takes_what_it_shares_with_the_first_from_the_cache(sweep):
    summaries, _ = sweep

    second = states(summaries[1])
    cached = {name for name, state in second.items() if state == "cached"}
    assert {"CsvExampleGen", "StatisticsGen", "Transform"} <= cached
    assert second["Trainer"] == "ran"


def test_the_runs_are_found_by_their_tag(sweep, trained, cli):
    summaries, _ = sweep

    listed = parsed(cli("runs", "--runs", trained.runs, "--json", "--where", "tag = rates"))

    assert {row["run"] for row in listed} == {each["run"] for each in summaries}


def test_ctrl_c_ends_the_sweep_with_the_runs_so_far(trained):
    process = start(trained, "--set", "batch_size=11,12")
    lines = []
    for line in process.stderr:
        lines.append(line)
        if "CsvExampleGen" in line:
            os.killpg(process.pid, signal.SIGINT)
            break
    _, errors = process.communicate()

    text = "".join([*lines, errors])
    assert process.returncode == 130
    assert "run 1 of 2" in text
    assert "run 2 of 2" not in text
    assert re.search(r"interrupted; 0 of 2 runs are finished\n$", text)
    assert "Traceback" not in text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--set", "learning_rat=1"], "the nearest are learning_rate"),
        (["--set", "learning_rate=1", "--tune"], "--set goes without --tune"),
        (["--set", "learning_rate=1,2", "--watch"], "--watch takes one value of each --set"),
        (["--tag", ""], "--tag is ''"),
    ],
)
def test_what_cannot_go_together_is_refused_before_anything_runs(trained, cli, arguments, words):
    before = set(trained.runs.iterdir())

    result = cli("run", trained.folder, "--runs", trained.runs, *arguments)

    assert result.code == 2
    assert words in result.sentence
    assert set(trained.runs.iterdir()) == before
