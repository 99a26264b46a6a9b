"""The sender is a process beside the run.

Whatever becomes of it, or of the tracker, is a sentence, and the run waits in the outbox. The
process never outlives what started it for long.
"""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from pipeline.errors import RunError, UnreachableError
from pipeline.tracking import outbox, sender
from settings import REPOSITORY
from tests.pipeline.disk import mounted
from tests.pipeline.experiments.run_folders import add_run
from tests.pipeline.tracking.broken_server import CLOSES, HANGS, TRICKLES, broken_server

HANGING = (
    "import time; from pipeline.tracking import program; program.LIFE_SECONDS = 1; "
    "program.{} = lambda *_: time.sleep(60)"
)
READY_SECONDS = 60  # for mlflow's import, on a busy machine


@pytest.fixture
def process(tmp_path):
    with sender.started(tmp_path) as started:
        yield started


@pytest.fixture
def run(process, tmp_path):
    """A run that has ended and waits."""
    run = add_run(tmp_path, 1)
    process.announce(run)
    return run


@pytest.fixture(scope="module")
def broken():
    """A server, and the sender that has it for its tracker."""
    with broken_server(503) as server:
        yield server


@pytest.fixture(scope="module")
def asking(broken, tmp_path_factory):
    runs = tmp_path_factory.mktemp("asking")
    with sender.started(runs, broken.url) as process:
        yield process


def test_a_run_that_another_process_has_sent_is_not_counted(process, run, tmp_path):
    outbox.drop(tmp_path, run)

    is_sent = process.send(run, READY_SECONDS)

    assert is_sent is False


def test_a_sender_that_was_killed_is_told_in_a_sentence(process, run, tmp_path):
    process.process.kill()
    process.process.wait()

    warning = process.hand_over(run)

    assert warning == (
        "the tracker did not take this run: exit -9 without a message; "
        "`python3 -m pipeline runs sync` sends it later"
    )
    assert outbox.names(tmp_path) == [run]


def test_a_sender_that_hangs_is_ended_and_told_in_a_sentence(process, run, tmp_path):
    os.kill(process.process.pid, signal.SIGSTOP)

    with pytest.raises(UnreachableError, match=r"^no answer within 1 s$"):
        process.send(run, 1)

    assert process.process.wait(READY_SECONDS) == -signal.SIGKILL
    assert outbox.names(tmp_path) == [run]


def test_a_run_ends_within_five_seconds_of_a_tracker():
    assert sender.RUN_SECONDS + 2 * sender.END_SECONDS <= 5


@pytest.mark.parametrize("fault", [HANGS, TRICKLES])
def test_a_tracker_without_an_end_delays_the_run_no_longer(fault, tmp_path):
    run = add_run(tmp_path, 1)
    with broken_server(fault) as server, sender.started(tmp_path, server.url) as process:
        process.announce(run)
        start = time.monotonic()

        warning = process.hand_over(run)

        seconds = time.monotonic() - start
    assert warning == (
        f"the tracker {server.url} did not take this run: no answer within 4 s; "
        "`python3 -m pipeline runs sync` sends it later"
    )
    assert seconds < READY_SECONDS  # ten times the bound, for a busy machine
    assert outbox.names(tmp_path) == [run]


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (429, "it answers 429"),
        (503, "it answers 503"),
        (500, "it answers 500"),
        (401, "it answers 401"),
        (404, "it answers 404"),
        (CLOSES, "Remote end closed connection without response"),
    ],
)
def test_what_a_server_answers_is_told_at_once(broken, asking, fault, sentence):
    broken.fault = fault
    run = add_run(asking.runs, len(outbox.names(asking.runs)))
    asking.announce(run)

    with pytest.raises(UnreachableError) as refusal:
        asking.send(run, READY_SECONDS)

    assert sentence in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert run in outbox.names(asking.runs)


def test_a_damaged_run_is_told_in_a_sentence_and_whole_in_the_run_s_log(
    process, run, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(sender, "RUN_SECONDS", READY_SECONDS)
    (tmp_path / run / "summary.json").write_text('{"records": {}}')

    warning = process.hand_over(run)

    assert "summary.json: no summary, it has no run" in warning
    assert "Traceback" in capsys.readouterr().err


def test_a_damaged_run_is_told_in_a_sentence_alone_where_there_is_no_log(
    process, run, tmp_path, capsys
):
    summary = {"run": run, "model": "cab", "records": {}}
    (tmp_path / run / "summary.json").write_text(json.dumps(summary))

    with pytest.raises(RunError, match=r"summary\.json: it is no summary \(KeyError"):
        process.send(run, READY_SECONDS)

    assert capsys.readouterr().err == ""


def test_a_full_disk_of_the_tracker_is_told_and_the_run_waits(tmp_path):
    with mounted(tmp_path / "small", "size=600k") as runs, sender.started(runs) as process:
        run = add_run(runs, 1)
        process.announce(run)

        with pytest.raises(UnreachableError, match="database or disk is full"):
            process.send(run, READY_SECONDS)

        waiting = outbox.names(runs)
    assert waiting == [run]


def test_an_outbox_that_cannot_be_written_is_told_and_no_run_ends_by_it(process, tmp_path):
    run = add_run(tmp_path, 1)
    (tmp_path / "outbox").write_text("")

    process.announce(run)
    warning = process.hand_over(run)

    assert warning.startswith("the tracker did not take this run: ")
    assert "outbox: cannot be written" in warning


def test_a_sender_whose_run_is_gone_ends_and_keeps_no_run(tmp_path):
    from mlflow import MlflowClient

    run = add_run(tmp_path, 1)
    with sender.started(tmp_path) as process:
        process.announce(run)
        process.process.stdin.write(run[:-1].encode())

    code = process.process.wait(READY_SECONDS)

    client = MlflowClient(f"sqlite:///{tmp_path}/mlflow.db")
    names = [experiment.name for experiment in client.search_experiments()]
    assert code == 0
    assert names == ["Default"]
    assert outbox.names(tmp_path) == [run]


@pytest.mark.parametrize(
    "hanging",
    [
        HANGING.format("_opened"),
        HANGING.format("_sent") + "; program._opened = lambda *_: None",
    ],
    ids=["_opened", "_sent"],
)
def test_a_sender_that_hangs_ends_itself_where_no_one_is_left_to_do_it(hanging):
    program = f"{hanging}; program.main('', '')"

    process = subprocess.run(
        [sys.executable, "-c", program], input="x\n", text=True, timeout=READY_SECONDS
    )

    assert process.returncode == -signal.SIGALRM


def test_nothing_of_the_trackers_is_imported_but_where_a_run_is_sent():
    modules = "from pipeline.tracking import mlflow_tracker, program, sync; import sys"
    program = f"{modules}; print({{'mlflow', 'tensorflow', 'tfx'}} & set(sys.modules))"
    variables = os.environ | {"PYTHONPATH": str(REPOSITORY)}

    output = subprocess.check_output([sys.executable, "-c", program], env=variables, text=True)

    assert output == "set()\n"


def test_ctrl_c_does_not_reach_the_sender(process):
    sender_group = os.getpgid(process.process.pid)
    own_group = os.getpgid(0)

    assert sender_group != own_group
