"""`runs sync` sends what waits, and says what still does."""

import json
import shutil
import socket
from threading import Thread

import pytest

from pipeline.tracking import outbox, sender
from tests.pipeline.experiments.run_folders import add_run


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    """A database of mlflow's, made once: that takes seconds."""
    runs = tmp_path_factory.mktemp("database")
    run = add_run(runs, 1)
    with sender.started(runs) as process:
        process.announce(run)
        process.send(run, 60)
    return runs / "mlflow.db"


@pytest.fixture
def runs(tmp_path):
    folder = tmp_path / "runs"
    folder.mkdir()
    return folder


@pytest.fixture
def wait(runs):
    """Leaves a run that waits."""

    def call(number, tracker="here", **changes):
        run = add_run(runs, number, **changes)
        outbox.put(runs, outbox.Entry(run, tracker))
        return run

    return call


@pytest.fixture
def sync(cli, runs):
    def call(*flags):
        return cli("runs", "sync", "--runs", runs, *flags)

    return call


@pytest.fixture
def unreachable():
    """The address of a server that is down."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        _, port = bound.getsockname()
        yield f"http://127.0.0.1:{port}"


def test_what_waits_is_sent_with_progress(database, runs, wait, sync):
    from mlflow import MlflowClient

    shutil.copy(database, runs)
    first, second = wait(2), wait(3, state="failed")

    result = sync()

    client = MlflowClient(f"sqlite:///{runs}/mlflow.db")
    experiment = client.get_experiment_by_name("seat")
    statuses = {}
    for run in client.search_runs([experiment.experiment_id]):
        statuses[run.info.run_name] = run.info.status
    assert result.code == 0, result.err
    assert result.out == "2 runs sent, 0 runs waiting\n"
    assert f"{first} ...\n" in result.err
    assert f"{second} ...\n" in result.err
    assert statuses[first] == "FINISHED"
    assert statuses[second] == "FAILED"
    assert len(list(runs.glob("mlflow/*/artifacts/summary.json"))) == 2
    assert outbox.names(runs) == []


def test_nothing_that_waits_is_said(sync):
    result = sync()

    assert result.code == 0
    assert result.out == "no run waits for its tracker\n"


def test_a_tracker_that_is_down_is_asked_once_and_told_once(wait, sync, unreachable, runs):
    first, second = wait(1, unreachable), wait(2, unreachable)

    result = sync()

    assert result.code == 1
    assert result.out == "0 runs sent, 2 runs waiting\n"
    assert result.sentence == (
        f"{first} and 1 run more still waiting: the tracker {unreachable} did not take it: "
        "Connection refused"
    )
    assert f"{second} ..." not in result.err
    assert outbox.names(runs) == [first, second]


def test_json_tells_what_was_sent_and_what_waits(wait, sync, unreachable):
    run = wait(1, unreachable)

    result = sync("--json")

    assert result.code == 1
    assert json.loads(result.out) == {
        "sent": [],
        "gone": [],
        "waiting": [{"run": run, "tracker": unreachable, "reason": "Connection refused"}],
        "unread": {},
    }
    assert "Traceback" not in result.err


def test_a_damaged_database_is_named(wait, sync, runs):
    run = wait(1)
    (runs / "mlflow.db").write_text("garbage")

    result = sync()

    assert result.code == 1
    assert result.sentence == (
        f"{run} still waiting: the tracker here did not take it: "
        f"{runs}/mlflow.db: DatabaseError: file is not a database"
    )


def test_a_folder_in_the_database_s_place_is_told_at_once(wait, sync, runs):
    wait(1)
    (runs / "mlflow.db").mkdir()

    result = sync()

    assert result.code == 1
    assert f"{runs}/mlflow.db: OperationalError: unable to open" in result.sentence


def test_an_entry_that_is_a_folder_keeps_no_other_run_from_being_told(wait, sync, runs):
    folder = runs / "outbox/x.json"
    folder.mkdir(parents=True)
    run = wait(1)
    (runs / run / "summary.json").unlink()

    result = sync()

    assert result.code == 1
    assert result.out == "0 runs sent, 1 run waiting\n"
    assert f"{run} is not sent, it has no summary" in result.err
    assert f"x still waiting: {folder}: cannot be written" in result.err


def test_a_run_whose_folder_cannot_be_read_is_not_gone(wait, sync, runs):
    run = wait(1)
    shutil.rmtree(runs / run)
    (runs / run).symlink_to(runs / run)

    result = sync()

    assert result.code == 1
    assert f"{run} still waiting: " in result.sentence
    assert "summary.json: cannot be read (Too many levels" in result.sentence
    assert outbox.names(runs) == [run]


def test_an_outbox_that_is_a_file_is_told(sync, runs):
    (runs / "outbox").write_text("")

    result = sync()

    assert result.code == 1
    assert result.sentence.endswith(f"{runs}/outbox: cannot be read (Not a directory)")


def test_a_run_that_was_killed_before_its_summary_waits_no_longer(wait, sync, runs):
    run = wait(1)
    (runs / run / "summary.json").unlink()

    result = sync()

    assert result.code == 0
    assert result.sentence == f"{run} is not sent, it has no summary"
    assert outbox.names(runs) == []


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"tracker": 1}', '{"tracker": null}', '{"tracker": "file:/x"}']
)
def test_a_damaged_entry_is_told_and_stays(wait, sync, runs, text):
    run = wait(1)
    entry = runs / "outbox" / f"{run}.json"
    entry.write_text(text)

    result = sync()

    assert result.code == 1
    assert result.sentence.startswith(f"{run} still waiting: {entry}: ")
    assert "Traceback" not in result.err
    assert entry.read_text() == text


def test_a_run_that_another_process_sends_meanwhile_is_not_sent_again(wait, runs):
    run = wait(1)
    turns = []

    def take_second():
        with outbox.taken(runs, run) as is_waiting:
            turns.append(("second", is_waiting))

    second = Thread(target=take_second)
    with outbox.taken(runs, run) as is_waiting:
        second.start()
        second.join(0.5)
        turns.append(("first", is_waiting))
    second.join()

    assert turns == [("first", True), ("second", False)]


def test_a_run_that_was_not_sent_stays(wait, runs):
    run = wait(1)

    with pytest.raises(RuntimeError), outbox.taken(runs, run):
        raise RuntimeError

    assert outbox.names(runs) == [run]
