"""The tracker is a process beside the run.

Whatever becomes of it is a sentence, and it never outlives what started it for long.
"""

import os
import signal
import subprocess
import sys

import pytest

from pipeline.reports import tracking

HANGING = (
    "import time; from pipeline.reports import tracking; tracking.TIMEOUT_SECONDS = 1; "
    "tracking.{} = lambda *_, **__: time.sleep(60)"
)


@pytest.fixture
def tracker(tmp_path):
    with tracking.started(tmp_path) as started:
        yield started


def test_a_tracker_that_was_killed_is_told_in_a_sentence(tracker):
    tracker.kill()
    tracker.wait()

    problem = tracking.track(tracker, {}, [])

    assert problem == "exit -9 without a message"


def test_a_tracker_that_hangs_is_ended_and_told_in_a_sentence(tracker, monkeypatch):
    monkeypatch.setattr(tracking, "TIMEOUT_SECONDS", 1)
    os.kill(tracker.pid, signal.SIGSTOP)

    problem = tracking.track(tracker, {}, [])

    assert problem == "no answer within 1 s"
    assert tracker.returncode == -signal.SIGKILL


def test_what_a_tracker_raises_is_told_in_a_sentence_and_whole_on_standard_error(tracker, capsys):
    problem = tracking.track(tracker, {}, [])

    output = capsys.readouterr()
    assert problem == "KeyError: 'model'"
    assert "Traceback" in output.err


def test_a_tracker_whose_run_is_gone_ends_and_keeps_no_run(tmp_path):
    from mlflow import MlflowClient

    with tracking.started(tmp_path) as tracker:
        pass

    code = tracker.wait(60)

    client = MlflowClient(f"sqlite:///{tmp_path}/mlflow.db")
    names = [experiment.name for experiment in client.search_experiments()]
    assert code == 0
    assert names == ["Default"]


def test_half_a_run_is_not_kept(tmp_path):
    with tracking.started(tmp_path) as tracker:
        tracker.stdin.write('{"summary": {"model": "cab"')

    assert tracker.wait(60) == 1


@pytest.mark.parametrize(
    "hanging",
    [
        HANGING.format("_opened"),
        HANGING.format("_log") + "; tracking._opened = lambda _: None",
    ],
    ids=["_opened", "_log"],
)
def test_a_tracker_that_hangs_ends_itself_where_no_one_is_left_to_do_it(hanging):
    program = f"{hanging}; tracking.main('')"

    process = subprocess.run([sys.executable, "-c", program], input="{}", text=True, timeout=30)

    assert process.returncode == -signal.SIGALRM


def test_ctrl_c_does_not_reach_the_tracker(tracker):
    tracker_group = os.getpgid(tracker.pid)
    own_group = os.getpgid(0)

    assert tracker_group != own_group
