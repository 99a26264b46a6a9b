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
from tests.pipeline.checkout import UNCACHED
from tests.pipeline.conftest import NODES, copy_small, nodes_that
from tests.pipeline.processes import state_and_parent

PUBLISHED = "store/cab/published"


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
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            _, parent = state_and_parent(folder)
            command_line = (folder / "cmdline").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        _, option, arguments = command_line.partition("\0-m\0")
        if parent == process.pid and option:
            module, *_ = arguments.split("\0")
            process_ids[module] = int(folder.name)
    return process_ids


def is_alive(process_id):
    try:
        state, _ = state_and_parent(Path(f"/proc/{process_id}"))
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


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


@pytest.mark.parametrize("node", [node for node in NODES if node not in UNCACHED])
def test_killed_in_a_node_nothing_half_made_is_published(killed, node):
    folder, runs = killed

    kill_in(node, folder, runs)

    for version in (runs / PUBLISHED).glob("[0-9]*"):
        assert (version / "saved_model.pb").exists()


def test_the_run_after_the_kills_goes_on_and_publishes(killed):
    folder, runs = killed

    process = subprocess.run(command(folder, runs), cwd=REPOSITORY, capture_output=True, text=True)

    summary = json.loads(process.stdout)
    unfinished = list((runs / PUBLISHED).glob(".*"))
    assert process.returncode == 0, process.stderr
    assert summary["decision"]["published"]
    assert nodes_that(summary, "cached") >= {
        "CsvExampleGen",
        "StatisticsGen",
        "Transform",
        "Trainer",
    }
    assert unfinished == []


@contextlib.contextmanager
def edited(killed):
    """A run after an edit of model.py: its Trainer runs."""
    folder, runs = killed
    with (folder / "model.py").open("a") as module:
        module.write("\n# edited\n")
    with subprocess.Popen(
        command(folder, runs),
        cwd=REPOSITORY,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process


def heard(process, at_trainer):
    """Return all lines of the progress; call `at_trainer` when the Trainer starts."""
    lines = []
    for line in process.stderr:
        lines.append(line)
        if line.startswith("Trainer ..."):
            at_trainer()
    return lines


def test_ctrl_c_says_how_to_go_on(killed):
    with edited(killed) as process:
        lines = heard(process, lambda: process.send_signal(signal.SIGINT))

    code = process.wait()
    output = "".join(lines)
    *_, last_line = output.strip().splitlines()  # a library that is cut off may end its own line
    assert code == 130
    assert "run it again to go on" in last_line
    assert "Traceback" not in output


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_what_a_run_started_beside_itself_ends_with_it(killed, how):
    beside = {}

    def end_it():
        beside.update(started_by(process))
        process.send_signal(how)

    with edited(killed) as process:
        heard(process, end_it)

    assert set(beside) == {"pipeline.tracking.program", "pipeline.serving.engine"}
    for process_id in beside.values():
        assert ends(process_id)


def ends(process_id):
    """Whether a process ends within 30 s; it is no child of this one."""
    deadline = time.monotonic() + 30
    while is_alive(process_id) and time.monotonic() < deadline:
        time.sleep(0.1)
    return not is_alive(process_id)


def test_a_run_goes_on_without_what_it_started_beside_itself(killed):
    def end_what_is_beside():
        for beside in started_by(process).values():
            os.kill(beside, signal.SIGKILL)

    with edited(killed) as process:
        lines = heard(process, end_what_is_beside)
        summary = json.loads(process.stdout.read())

    assert process.returncode == 0
    assert summary["decision"]["blessed"]
    assert (
        "the tracker did not take this run: exit -9 without a message; "
        "`python3 -m pipeline runs sync` sends it later\n"
    ) in lines
