"""`run --watch`: a save begins the next run, in a process as good as a new one.

Nothing is left running, and no old code is run.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.pipeline.checkout import TRAINED_ANEW, Checkout
from tests.pipeline.conftest import edit, states

WATCHING = "watching "
ENDS_SECONDS = 30


class Watch:
    """A watching process in a session of its own, read line by line."""

    def __init__(self, place: Path, folder: Path) -> None:
        self.place = place
        self.runs = place / "runs"
        options = ["--runs", str(self.runs), "--json", "--watch"]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "pipeline", "run", str(folder), *options],
            cwd=place,
            env=os.environ | {"PYTHONPATH": str(place)},
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def until(self, beginning: str) -> list[str]:
        """Its output, as far as a line with that beginning."""
        lines: list[str] = []
        for line in iter(self.process.stderr.readline, ""):
            lines.append(line)
            if line.startswith(beginning):
                return lines
        raise AssertionError(f"it ended without {beginning!r}: {lines}")

    def ended(self) -> tuple[int, list[str]]:
        """Its exit code and its last words."""
        _, errors = self.process.communicate(timeout=ENDS_SECONDS)
        return self.process.returncode, errors.splitlines()

    def alive(self) -> dict[int, int]:
        """Its living processes and itself: process id -> parent's.

        They are known by where they find their code.
        """
        parents = {}
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError, PermissionError):
                # Behind the program's name, which may hold spaces and brackets of its own.
                _, status = (folder / "stat").read_text().rsplit(")", 1)
                state, parent, *_ = status.split()
                variables = (folder / "environ").read_text().split("\0")
                if state != "Z" and f"PYTHONPATH={self.place}" in variables:
                    parents[int(folder.name)] = int(parent)
        return parents

    def children(self) -> list[int]:
        return [id_ for id_, parent in self.alive().items() if parent == self.process.pid]

    def leaves_nothing(self) -> bool:
        deadline = time.monotonic() + ENDS_SECONDS
        while time.monotonic() < deadline:
            if not self.alive():
                return True
            time.sleep(0.1)
        return False

    def newest(self) -> dict:
        file = max(self.runs.glob("*/summary.json"))
        return json.loads(file.read_text())


@pytest.fixture
def watch():
    """Watches; they and their children end with the test."""
    started: list[Watch] = []

    def call(place: Path, folder: Path) -> Watch:
        watching = Watch(place, folder)
        started.append(watching)
        return watching

    yield call
    for watching in started:
        for process_id in watching.alive():
            os.kill(process_id, signal.SIGKILL)
        watching.process.wait()


def test_each_save_begins_a_run_as_good_as_any_until_the_code_itself_has_changed(
    tmp_path, watch, trained
):
    checkout = Checkout(tmp_path)
    watching = watch(checkout.place, checkout.folder)

    watching.until(WATCHING)
    first = watching.newest()
    checkout.append("models/cab/model.py", "# edited")
    lines = watching.until(WATCHING)
    second = watching.newest()
    edit(checkout.folder / "model.toml", "^purpose = .*$", "purpose = 7")
    refused = watching.until(WATCHING)
    edit(checkout.folder / "model.toml", "^purpose = .*$", 'purpose = "to be watched"')
    watching.until(WATCHING)
    checkout.append("pipeline/job/dag.py", "# edited")
    checkout.append("models/cab/model.py", "# edited again")
    code, last_words = watching.ended()

    state_by_node = states(second)
    nodes_that_ran = {node for node, state in state_by_node.items() if state == "ran"}
    second_metrics = second["metrics"].items()
    metrics = {name: value for name, value in second_metrics if not name.endswith("_diff")}
    last_summary = watching.newest()
    summaries = list(watching.runs.glob("*/summary.json"))
    assert lines[0] == f"{checkout.folder}/model.py has changed\n"
    assert nodes_that_ran >= TRAINED_ANEW
    assert state_by_node["Transform"] == "cached"
    assert first["metrics"] == trained.summary["metrics"]
    # The differences are to the last blessed model, which the first run has none of.
    assert metrics == first["metrics"]
    assert "purpose is 7" in refused[-2]
    assert last_summary["purpose"] == "to be watched"
    assert code == 1
    assert last_words[-1] == (
        f"python -m pipeline run: {checkout.place}/pipeline/job/dag.py is no longer what "
        "was imported; start this again"
    )
    assert len(summaries) == 3
    assert watching.leaves_nothing()


def test_ctrl_c_in_a_run_ends_it_and_the_watching_with_one_sentence(tmp_path, watch):
    checkout = Checkout(tmp_path)
    watching = watch(checkout.place, checkout.folder)

    watching.until("StatisticsGen ...")
    os.killpg(watching.process.pid, signal.SIGINT)
    code, last_words = watching.ended()

    sentences = [line for line in last_words if line.startswith("python -m pipeline")]
    assert code == 130
    assert sentences == [
        "python -m pipeline run: interrupted; what is finished is kept, run it again to go on"
    ]
    assert watching.leaves_nothing()


@pytest.mark.parametrize(
    ("signal_", "code"), [(signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)]
)
def test_a_run_that_waits_ends_with_the_process_that_would_begin_it(tmp_path, watch, signal_, code):
    checkout = Checkout(tmp_path)
    (checkout.folder / "rows.csv").unlink()
    watching = watch(checkout.place, checkout.folder)
    watching.until(WATCHING)
    waiting_runs = watching.children()
    send = os.kill if signal_ == signal.SIGKILL else os.killpg

    send(watching.process.pid, signal_)
    exit_code = watching.process.wait(ENDS_SECONDS)

    assert exit_code == code
    assert len(waiting_runs) == 1
    assert watching.leaves_nothing()


def test_a_run_that_dies_of_a_signal_is_told_and_watched_on(tmp_path, watch):
    checkout = Checkout(tmp_path)
    watching = watch(checkout.place, checkout.folder)

    watching.until("StatisticsGen ...")
    [run] = watching.children()
    os.kill(run, signal.SIGKILL)
    lines = watching.until(WATCHING)

    assert lines[-2] == "the run was ended by SIGKILL\n"


def test_a_model_that_is_not_there_is_named_before_anything_is_watched(cli):
    result = cli("run", "no_such", "--watch")

    assert result.code == 2
    assert "there is no model 'no_such'" in result.sentence
