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
from tests.pipeline.conftest import edit

WATCHING, ENDS_SECONDS = "watching ", 30


class Watch:
    """A watching process in a session of its own, read line by line."""

    def __init__(self, place: Path, folder: Path) -> None:
        command = [
            sys.executable,
            "-m",
            "pipeline",
            "run",
            str(folder),
            "--runs",
            str(place / "runs"),
            "--json",
            "--watch",
        ]
        around = {
            "cwd": place,
            "env": os.environ | {"PYTHONPATH": str(place)},
            "start_new_session": True,
        }
        self.place, self.runs = place, place / "runs"
        self.process = subprocess.Popen(
            command, **around, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )

    def until(self, beginning: str) -> list[str]:
        """Its output, as far as a line with that beginning."""
        lines: list[str] = []
        while not (lines and lines[-1].startswith(beginning)):
            line = self.process.stderr.readline()
            assert line, f"it ended without {beginning!r}: {lines}"
            lines.append(line)
        return lines

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
                state, parent = (folder / "stat").read_text().rsplit(")", 1)[1].split()[:2]
                if state != "Z" and f"PYTHONPATH={self.place}" in (
                    folder / "environ"
                ).read_text().split("\0"):
                    parents[int(folder.name)] = int(parent)
        return parents

    def leaves_nothing(self) -> bool:
        deadline = time.monotonic() + ENDS_SECONDS
        while self.alive() and time.monotonic() < deadline:
            time.sleep(0.1)
        return not self.alive()

    def newest(self) -> dict:
        return json.loads(max(self.runs.glob("*/summary.json")).read_text())


@pytest.fixture
def watch():
    """Watches; they and their children end with the test."""
    started: list[Watch] = []

    def call(place: Path, folder: Path) -> Watch:
        started.append(Watch(place, folder))
        return started[-1]

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

    assert lines[0] == f"{checkout.folder}/model.py has changed\n"
    assert {node["id"] for node in second["nodes"] if node["state"] == "ran"} >= TRAINED_ANEW
    assert {node["id"]: node["state"] for node in second["nodes"]}["Transform"] == "cached"
    compared = {
        name for name in second["metrics"] if name.endswith("_diff")
    }  # with the last blessed, which the first run has none of
    assert (
        first["metrics"]
        == trained.summary["metrics"]
        == {n: v for n, v in second["metrics"].items() if n not in compared}
    )
    assert "purpose is 7" in refused[-2]
    assert watching.newest()["purpose"] == "to be watched"
    assert code == 1
    assert last_words[-1] == (
        f"python -m pipeline run: {checkout.place}/pipeline/job/dag.py is no longer what "
        "was imported; start this again"
    )
    assert len(list(watching.runs.glob("*/summary.json"))) == 3
    assert watching.leaves_nothing()


def test_ctrl_c_in_a_run_ends_it_and_the_watching_with_one_sentence(tmp_path, watch):
    checkout = Checkout(tmp_path)
    watching = watch(checkout.place, checkout.folder)

    watching.until("StatisticsGen ...")
    os.killpg(watching.process.pid, signal.SIGINT)
    code, last_words = watching.ended()

    assert code == 130
    assert [line for line in last_words if line.startswith("python -m pipeline")] == [
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
    waiting = [
        process_id
        for process_id, parent in watching.alive().items()
        if parent == watching.process.pid
    ]

    (os.kill if signal_ == signal.SIGKILL else os.killpg)(watching.process.pid, signal_)
    ended = watching.process.wait(ENDS_SECONDS)

    assert ended == code and len(waiting) == 1
    assert watching.leaves_nothing()


def test_a_run_that_dies_of_a_signal_is_told_and_watched_on(tmp_path, watch):
    checkout = Checkout(tmp_path)
    watching = watch(checkout.place, checkout.folder)

    watching.until("StatisticsGen ...")
    [run] = [
        process_id
        for process_id, parent in watching.alive().items()
        if parent == watching.process.pid
    ]
    os.kill(run, signal.SIGKILL)
    lines = watching.until(WATCHING)

    assert lines[-2] == "the run was ended by SIGKILL\n"


def test_a_model_that_is_not_there_is_named_before_anything_is_watched(cli):
    result = cli("run", "no_such", "--watch")

    assert result.code == 2
    assert "there is no model 'no_such'" in result.sentence
