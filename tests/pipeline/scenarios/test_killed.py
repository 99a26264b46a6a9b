"""After a kill in any node the next run finishes the work, and published models are whole."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from settings import REPOSITORY
from tests.pipeline.conftest import NODES, copy_small, states


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """One store; in it run after run is killed, each a node further than the last."""
    place = tmp_path_factory.mktemp("killed")
    return copy_small("cab", place), place / "runs"


def command(folder, runs):
    return [sys.executable, "-m", "pipeline", "run", str(folder), "--runs", str(runs), "--json"]


def started_by(process):
    """The programs of ours among a process's children, module -> process id."""
    process_ids = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rsplit(")", 1)[1].split()[1])
            arguments = (stat.parent / "cmdline").read_text().split("\0")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if parent == process.pid and "-m" in arguments:
            process_ids[arguments[arguments.index("-m") + 1]] = int(stat.parent.name)
    return process_ids


def alive(process_id):
    try:
        return Path(f"/proc/{process_id}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def kill_in(node, folder, runs):
    """SIGKILL as soon as the progress names the node."""
    with subprocess.Popen(
        command(folder, runs),
        cwd=REPOSITORY,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    ) as process:
        for line in process.stderr:
            if line.startswith(f"{node} ..."):
                os.kill(process.pid, signal.SIGKILL)
                break
    assert process.returncode == -signal.SIGKILL


@pytest.mark.parametrize("node", [n for n in NODES if n not in ("Hyperparameters", "LastBlessed")])
def test_killed_in_a_node_nothing_half_made_is_published(killed, node):
    folder, runs = killed

    kill_in(node, folder, runs)

    versions = (runs / "store/cab/published").glob("[0-9]*")
    assert [p for p in versions if not (p / "saved_model.pb").exists()] == []


def test_the_run_after_the_kills_goes_on_and_publishes(killed):
    folder, runs = killed

    process = subprocess.run(command(folder, runs), cwd=REPOSITORY, capture_output=True, text=True)

    summary = json.loads(process.stdout)
    assert process.returncode == 0, process.stderr
    assert summary["decision"]["published"]
    assert {n for n, s in states(summary).items() if s == "cached"} >= {
        "CsvExampleGen",
        "StatisticsGen",
        "Transform",
        "Trainer",
    }
    assert [
        p.name for p in (runs / "store/cab/published").iterdir() if p.name.startswith(".")
    ] == []


@contextlib.contextmanager
def edited(killed):
    """A run after an edit of model.py: its Trainer runs."""
    folder, runs = killed
    (folder / "model.py").write_text((folder / "model.py").read_text() + "\n# edited\n")
    with subprocess.Popen(
        command(folder, runs),
        cwd=REPOSITORY,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process


def heard(process, at_trainer):
    """All lines of its progress, `at_trainer` having been called when the Trainer began."""
    lines = []
    for line in process.stderr:
        lines.append(line)
        if line.startswith("Trainer ..."):
            at_trainer()
    return lines


def test_ctrl_c_says_how_to_go_on(killed):
    with edited(killed) as process:
        lines = heard(process, lambda: process.send_signal(signal.SIGINT))

    assert process.wait() == 130
    messages = [
        line for line in lines if line.strip()
    ]  # a library that is cut off may end its own line
    assert "run it again to go on" in messages[-1] and "Traceback" not in "".join(messages)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_what_a_run_started_beside_itself_ends_with_it(killed, how):
    beside = {}

    def end_it():
        beside.update(started_by(process))
        process.send_signal(how)

    with edited(killed) as process:
        heard(process, end_it)
    end = time.monotonic() + 30
    while any(map(alive, beside.values())) and time.monotonic() < end:
        time.sleep(0.1)

    assert set(beside) == {"pipeline.reports.tracking", "pipeline.serving.engine"}
    assert not any(map(alive, beside.values()))


def test_a_run_goes_on_without_what_it_started_beside_itself(killed):
    def end_what_is_beside():
        for beside in started_by(process).values():
            os.kill(beside, signal.SIGKILL)

    with edited(killed) as process:
        lines = heard(process, end_what_is_beside)
        summary = json.loads(process.stdout.read())

    assert process.returncode == 0 and summary["decision"]["blessed"]
    assert "the tracker did not take this run: exit -9 without a word\n" in lines
