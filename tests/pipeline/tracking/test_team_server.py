"""A team's own mlflow server has each run once and whole, wherever a call was cut off."""

import contextlib
import math
import os
import signal
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from pipeline.errors import RunError, UnreachableError
from pipeline.tracking import mlflow_client, outbox
from pipeline.tracking.mlflow_tracker import MlflowTracker
from pipeline.tracking.tracker import TAG, of_summary
from settings import REPOSITORY
from tests.pipeline.experiments.run_folders import SUMMARY, add_run
from tests.pipeline.tracking.broken_server import HANGS, broken_server
from tests.standins.fault_proxy import LOST

FILE = "summary.json"
PARAMETERS = {"learning_rate": "0.01", "units": "8"}
PROGRAM = "pipeline.tracking.program"


@pytest.fixture
def client(team_server, monkeypatch):
    """mlflow's client as the sender has it."""
    from mlflow import MlflowClient

    for name, value in mlflow_client.VARIABLES.items():
        monkeypatch.setenv(name, value)
    return MlflowClient(team_server.url)


@pytest.fixture
def runs(tmp_path):
    return tmp_path / "runs"


@pytest.fixture
def tracked(runs):
    """Makes a tracked run of a model of its own."""

    def make(model, **changes):
        run = add_run(runs, 1, model=model, **changes)
        summary = SUMMARY | {"run": run, "model": model} | changes
        return of_summary(summary, ("a tag", "keep"), (runs / run / FILE,))

    return make


def kept(client, model):
    """mlflow's runs of the model's experiment."""
    experiment = client.get_experiment_by_name(model)
    return client.search_runs([experiment.experiment_id])


def statuses(client, model):
    """The state of each of these runs, by our id."""
    return {run.info.run_name: run.info.status for run in kept(client, model)}


def files(client, run):
    """The names of the run's files."""
    return [file.path for file in client.list_artifacts(run.info.run_id)]


def test_a_run_is_kept_with_parameters_metrics_records_tags_and_files(client, tracked):
    run = tracked("whole")

    MlflowTracker(client, None).send(run)

    [whole] = kept(client, "whole")
    assert whole.info.status == "FINISHED"
    assert whole.info.run_name == run.id
    assert whole.info.end_time - whole.info.start_time == 12500
    assert whole.data.params == PARAMETERS
    assert whole.data.metrics == {"auc": 0.91, "loss": 0.4}
    assert whole.data.tags[TAG] == run.id
    assert whole.data.tags["code.commit"] == "a" * 40
    assert whole.data.tags["decision.blessed"] == "True"
    assert whole.data.tags["esteira.tags"] == "a tag, keep"
    assert files(client, whole) == [FILE]


def test_a_metric_without_a_number_is_kept(client, tracked):
    values = {"a": math.nan, "b": None, "c": math.inf, "d": -math.inf}

    MlflowTracker(client, None).send(tracked("nan", metrics=values))

    [whole] = kept(client, "nan")
    metrics = whole.data.metrics
    assert math.isnan(metrics["a"])
    assert math.isnan(metrics["b"])
    assert metrics["c"] == sys.float_info.max  # mlflow's databases have no infinity
    assert metrics["d"] == -sys.float_info.max


def test_names_that_mlflow_would_have_to_take_for_one_stay_apart(client, tracked):
    longest = "a" * 250
    values = {"auc_a": 0.1, "auc?a": 0.2, "auc!a": 0.3, f"{longest}b": 0.4, f"{longest}c": 0.5}

    MlflowTracker(client, None).send(tracked("apart", metrics=values))

    [whole] = kept(client, "apart")
    metrics = whole.data.metrics
    assert metrics["auc_a"] == 0.1
    assert sorted(metrics.values()) == [0.1, 0.2, 0.3, 0.4, 0.5]
    assert max(map(len, metrics)) == 250


def test_a_call_that_is_lost_anywhere_leaves_one_whole_run(client, tracked, team_server):
    """Each call in turn is done, and its answer lost: the client is where a kill leaves it."""
    tracker = MlflowTracker(client, None)
    run = tracked("lost")
    calls = 0
    is_cut_off = True
    while is_cut_off:
        team_server.faults[:] = [*[None] * calls, LOST]
        with contextlib.suppress(UnreachableError):
            tracker.send(run)
        is_cut_off = team_server.faults == []
        team_server.faults.clear()

        tracker.send(run)

        [whole] = kept(client, "lost")
        history = client.get_metric_history(whole.info.run_id, "auc")
        values = [point.value for point in history]
        assert whole.info.status == "FINISHED"
        assert whole.data.params == PARAMETERS
        assert values == [0.91]
        assert files(client, whole) == [FILE]
        client.delete_run(whole.info.run_id)
        calls += 1
    assert calls > 8


def test_a_run_that_two_calls_made_is_kept_once(client, tracked):
    run = tracked("double")
    experiment = client.create_experiment("double")
    for _ in range(2):
        client.create_run(experiment, tags={TAG: run.id})

    MlflowTracker(client, None).send(run)

    [whole] = kept(client, "double")
    assert whole.info.status == "FINISHED"


@pytest.fixture
def calls(team_server):
    """The last name of each call's path from now on."""
    names = []

    def note(path, body):
        names.append(Path(urlsplit(path).path).name)

    team_server.refusal = note
    return names


def test_a_run_that_is_kept_is_not_sent_again(client, tracked, calls):
    run = tracked("again")
    tracker = MlflowTracker(client, None)
    tracker.send(run)
    calls.clear()

    tracker.send(run)

    assert calls == ["get-by-name", "search", "search"]


def test_what_a_half_run_has_is_not_sent_again(client, tracked, calls):
    """Some servers would keep a second point."""
    run = tracked("half")
    tracker = MlflowTracker(client, None)
    tracker.send(run)
    [whole] = kept(client, "half")
    client.update_run(whole.info.run_id, "RUNNING")
    calls.clear()

    tracker.send(run)

    assert "update" in calls
    assert "log-batch" not in calls


def test_nothing_is_asked_of_a_server_before_a_run_is_sent(client, runs, team_server, calls):
    mlflow_client.opened(runs, team_server.url)

    assert calls == []


def test_a_call_without_an_answer_ends(client, tracked, monkeypatch):
    from mlflow import MlflowClient

    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    run = tracked("hanging")
    with broken_server(HANGS) as server:
        tracker = MlflowTracker(MlflowClient(server.url), None)

        with pytest.raises(UnreachableError, match=r"^no answer came in time$"):
            tracker.send(run)


def test_a_run_that_failed_is_kept_as_failed(client, tracked):
    MlflowTracker(client, None).send(tracked("failed", state="failed"))

    [whole] = kept(client, "failed")
    assert whole.info.status == "FAILED"


def test_names_and_lengths_that_mlflow_refuses_are_made_ones_that_it_takes(client, tracked):
    run = tracked("names", metrics={"f1 %": 1.0, "../up": 2.0, "/root": 3.0, "x" * 300: 4.0})

    MlflowTracker(client, None).send(run)

    [whole] = kept(client, "names")
    assert whole.data.metrics == {"f1 _": 1.0, "_/up": 2.0, "_/root": 3.0, "x" * 250: 4.0}


def test_what_a_server_refuses_of_one_run_is_no_outage(client, tracked):
    experiment = client.create_experiment("deleted")
    client.delete_experiment(experiment)

    with pytest.raises(RunError, match="INVALID_PARAMETER_VALUE") as refusal:
        MlflowTracker(client, None).send(tracked("deleted"))

    assert not isinstance(refusal.value, UnreachableError)


def sync(runs):
    command = [sys.executable, "-m", "pipeline", "runs", "sync", "--runs", str(runs)]
    return subprocess.Popen(
        command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def kill_senders(runs):
    """SIGKILL the processes that send this folder's runs."""
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            command = (folder / "cmdline").read_text().split("\0")
            if PROGRAM in command and str(runs) in command:
                os.kill(int(folder.name), signal.SIGKILL)


def test_a_sync_that_was_killed_goes_on_and_doubles_and_halves_nothing(client, runs, team_server):
    names = [add_run(runs, number, model="killed") for number in (1, 2, 3)]
    for name in names:
        outbox.put(runs, outbox.Entry(name, team_server.url))
    metrics_of_second = []

    def kill_in_the_second(path, body):
        if path.endswith("/runs/log-batch") and b"auc" in body:
            metrics_of_second.append(path)
            if len(metrics_of_second) == 2:
                kill_senders(runs)
                killed.kill()

    team_server.refusal = kill_in_the_second
    killed = sync(runs)
    killed.communicate()
    half = statuses(client, "killed")
    waiting = outbox.names(runs)

    again = sync(runs)
    output, errors = again.communicate()

    whole = statuses(client, "killed")
    count = len(kept(client, "killed"))
    assert killed.returncode == -signal.SIGKILL
    assert half == {names[0]: "FINISHED", names[1]: "RUNNING"}
    assert waiting == names[1:]
    assert again.returncode == 0, errors
    assert output == "2 runs sent, 0 runs waiting\n"
    assert whole == dict.fromkeys(names, "FINISHED")
    assert count == 3
    assert outbox.names(runs) == []
