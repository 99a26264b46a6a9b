"""Killed in any node, the next run finishes from what was done, and what is published is whole."""

import json
import os
import signal
import subprocess
import sys

import pytest

from settings import REPOSITORY
from tests.pipeline.conftest import copy_small, states
from tests.pipeline.test_run import NODES


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """One store in which run after run is killed, each a node further than the last."""
    place = tmp_path_factory.mktemp("killed")
    return copy_small("taxi", place), place / "runs"


def command(folder, runs):
    return [sys.executable, "-m", "pipeline", "run", str(folder), "--runs", str(runs), "--json"]


def kill_in(node, folder, runs):
    """SIGKILL as soon as the progress names the node."""
    with subprocess.Popen(command(folder, runs), cwd=REPOSITORY, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as process:
        for line in process.stderr:
            if line.startswith(f"{node} ..."):
                os.kill(process.pid, signal.SIGKILL)
                break
    assert process.returncode == -signal.SIGKILL


@pytest.mark.parametrize("node", [n for n in NODES if n not in ("Hyperparameters", "LastBlessed")])
def test_killed_in_a_node_nothing_half_made_is_published(killed, node):
    folder, runs = killed

    kill_in(node, folder, runs)

    versions = (runs / "store/taxi/published").glob("[0-9]*")
    assert [p for p in versions if not (p / "saved_model.pb").exists()] == []


def test_the_run_after_the_kills_goes_on_and_publishes(killed):
    folder, runs = killed

    done = subprocess.run(command(folder, runs), cwd=REPOSITORY, capture_output=True, text=True)

    summary = json.loads(done.stdout)
    assert done.returncode == 0, done.stderr
    assert summary["decision"]["published"]
    assert {n for n, s in states(summary).items() if s == "cached"} >= {"CsvExampleGen", "StatisticsGen", "Transform", "Trainer"}
    assert [p.name for p in (runs / "store/taxi/published").iterdir() if p.name.startswith(".")] == []


def test_ctrl_c_says_how_to_go_on(killed):
    folder, runs = killed
    (folder / "model.py").write_text((folder / "model.py").read_text() + "\n# edited\n")

    with subprocess.Popen(command(folder, runs), cwd=REPOSITORY, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        heard = []
        for line in process.stderr:
            heard.append(line)
            if line.startswith("Trainer ..."):
                process.send_signal(signal.SIGINT)

    assert process.wait() == 130
    said = [line for line in heard if line.strip()]  # a library that is cut off may end its own line
    assert "run it again to go on" in said[-1] and "Traceback" not in "".join(said)
