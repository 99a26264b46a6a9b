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
from tests.pipeline.conftest import edit, nodes_that
from tests.pipeline.processes import state_and_parent

WATCHING = "watching "
ENDS_SECONDS = 30


class Watch:
    """A watching process in a session of its own, read line by line."""

    def __init__(self, place: Path, folder: Path) -> None:
        self.place = place
        self.runs = place / "runs"
        arguments = ["run", str(folder), "--runs", str(self.runs), "--json", "--watch"]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "pipeline", *arguments],
            cwd=place,
            env=os.environ | {"PYTHONPATH": str(place)},
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def until(self, beginning: str) -> list[str]:
        """Its output, as far as the first line with this beginning."""
        lines: list[str] = []
        for line in self.process.stderr:
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

        Each is recognized by the place where it finds its code.
        """
        parents = {}
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError, PermissionError):
                state, parent = state_and_parent(folder)
                if state != "Z" and self._finds_its_code_here(folder):
                    parents[int(folder.name)] = parent
        return parents

    def _finds_its_code_here(self, folder: Path) -> bool:
        variables = (folder / "environ").read_text().split("\0")
        return f"PYTHONPATH={self.place}" in variables

    def children(self) -> list[int]:
        """Its living child processes."""
        parents = self.alive().items()
        return [process_id for process_id, parent in parents if parent == self.process.pid]

    def leaves_nothing(self) -> bool:
        deadline = time.monotonic() + ENDS_SECONDS
        while self.alive() and time.monotonic() < deadline:
            time.sleep(0.1)
        return not self.alive()

    def summaries(self) -> list[dict]:
        """The summary of each run, the oldest first."""
        files = sorted(self.runs.glob("*/summary.json"))
        return [json.loads(file.read_text()) for file in files]


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

    declaration = checkout.folder / "model.toml"

    watching.until(WATCHING)
    checkout.append("models/cab/model.py", "# edited")
    lines = watching.until(WATCHING)
    edit(declaration, "^purpose = .*$", "purpose = 7")
    *_, refusal, _ = watching.until(WATCHING)
    edit(declaration, "^purpose = .*$", 'purpose = "to be watched"')
    watching.until(WATCHING)
    checkout.append("pipeline/job/dag.py", "# edited")
    checkout.append("models/cab/model.py", "# edited again")
    code, last_words = watching.ended()

    first, second, third = watching.summaries()
    assert lines[0] == f"{declaration.parent}/model.py has changed\n"
    assert nodes_that(second, "ran") >= TRAINED_ANEW
    assert "Transform" in nodes_that(second, "cached")
    assert first["metrics"] == trained.summary["metrics"]
    assert metrics_of_its_own(second) == trained.summary["metrics"]
    assert "purpose is 7" in refusal
    assert third["purpose"] == "to be watched"
    assert code == 1
    assert last_words[-1] == (
        f"python -m pipeline run: {checkout.place}/pipeline/job/dag.py is no longer what "
        "was imported; start this again"
    )
    assert watching.leaves_nothing()


def metrics_of_its_own(summary):
    """A run's metrics without those against the last blessed model: a first run lacks them."""
    metrics = summary["metrics"].items()
    return {name: value for name, value in metrics if not name.endswith("_diff")}


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
    ("send", "signal_", "code"),
    [(os.killpg, signal.SIGINT, 130), (os.kill, signal.SIGKILL, -signal.SIGKILL)],
    ids=["SIGINT", "SIGKILL"],
)
def test_a_run_that_waits_ends_with_the_process_that_would_begin_it(
    tmp_path, watch, send, signal_, code
):
    checkout = Checkout(tmp_path)
    (checkout.folder / "rows.csv").unlink()
    watching = watch(checkout.place, checkout.folder)
    watching.until(WATCHING)
    waiting = watching.children()

    send(watching.process.pid, signal_)

    assert len(waiting) == 1
    assert watching.process.wait(ENDS_SECONDS) == code
    assert watching.leaves_nothing()


def test_a_run_that_dies_of_a_signal_is_told_and_watched_on(tmp_path, watch):
    checkout = Checkout(tmp_path)
    watching = watch(checkout.place, checkout.folder)

    watching.until("StatisticsGen ...")
    [run] = watching.children()
    os.kill(run, signal.SIGKILL)
    *_, message, _ = watching.until(WATCHING)

    assert message == "the run was ended by SIGKILL\n"


def test_a_model_that_is_not_there_is_named_before_anything_is_watched(cli):
    result = cli("run", "no_such", "--watch")

    assert result.code == 2
    assert "there is no model 'no_such'" in result.sentence
