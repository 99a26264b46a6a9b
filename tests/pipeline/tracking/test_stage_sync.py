"""`runs sync --env`: the reports of a stage's bucket that Vertex Experiments lacks are sent."""

import json
from dataclasses import replace

import pytest

import environments
from tests.pipeline.tracking.stage_runs import add_job, add_summary, contexts, run_id
from tests.standins.google.faults import Fault


@pytest.fixture
def reported(google, dev):
    """Three runs whose reports are in the bucket, beside the monitor's page."""
    for number in (1, 2, 3):
        add_job(google, dev, number)
        add_summary(dev, number)
    dev.artifacts.blob("reports/monitoring/summary.json").upload_from_string("{}")
    return dev


@pytest.fixture
def sync(cli):
    def call(*flags):
        return cli("runs", "sync", "--env", "dev", *flags)

    return call


def tracked(google, stage) -> list[str]:
    bodies = contexts(google, stage, "system.ExperimentRun").values()
    return sorted(body["metadata"]["run"] for body in bodies)


def test_what_waits_is_sent_once(google, reported, sync):
    first = sync()
    second = sync()

    assert first.out == "3 runs sent, 0 runs waiting\n"
    assert first.code == 0
    assert second.out == "no run waits for its tracker\n"
    assert tracked(google, reported) == [run_id(number) for number in (1, 2, 3)]


def test_a_sync_that_was_cut_off_goes_on_where_it_was(google, reported, sync):
    google.faults += [Fault("POST", f"{run_id(2)}:addContextChildren", 503)]

    first = sync("--json")
    second = sync("--json")

    outcome = json.loads(first.out)
    assert first.code == 1
    assert outcome["sent"] == [run_id(1)]
    assert [each["run"] for each in outcome["waiting"]] == [run_id(2), run_id(3)]
    assert json.loads(second.out)["sent"] == [run_id(2), run_id(3)]
    assert tracked(google, reported) == [run_id(number) for number in (1, 2, 3)]


def test_a_tracker_that_is_down_is_asked_once_and_said_once(google, reported, sync):
    google.faults.append(Fault("POST", "contextId", 503))

    result = sync()

    assert result.code == 1
    assert result.out == "0 runs sent, 3 runs waiting\n"
    assert result.err.count("the tracker Vertex Experiments of dev did not take it") == 1
    assert "Google answered 503" in result.err


def test_a_damaged_report_keeps_no_other_run_from_being_sent(google, reported, sync):
    for number, text in ((1, "{"), (2, '{"version": 99, "run": "x"}')):
        name = f"reports/seat/{run_id(number)}/summary.json"
        reported.artifacts.blob(name).upload_from_string(text)

    result = sync()

    assert result.code == 1
    assert result.out == "1 run sent, 2 runs waiting\n"
    assert "is no summary" in result.err
    assert "its version is 99" in result.err
    assert tracked(google, reported) == [run_id(3)]


def test_a_stage_without_a_tracker_is_refused(cli, monkeypatch):
    untracked = replace(environments.DEV, tracker="none")
    monkeypatch.setitem(environments.ENVIRONMENTS, "dev", untracked)

    result = cli("runs", "sync", "--env", "dev")

    assert result.code == 2
    assert "--env is 'dev', whose tracker is 'none', allowed are the stages whose" in result.err


def test_a_stage_that_cannot_be_read_is_named_as_no_run(google, dev, sync):
    google.faults.append(Fault("GET", "pipelineJobs", 403))

    result = sync("--json")

    outcome = json.loads(result.out)
    assert result.code == 1
    assert outcome["waiting"] == []
    assert list(outcome["unread"]) == ["dev"]
    assert result.sentence.startswith("what waits of dev is unknown: Vertex Pipelines: Google")


def test_no_stage_with_a_tracker_is_refused(cli, monkeypatch):
    for name, stage in environments.ENVIRONMENTS.items():
        monkeypatch.setitem(environments.ENVIRONMENTS, name, replace(stage, tracker="none"))

    result = cli("runs", "sync", "--env", "all")

    assert result.code == 2
    assert "whose tracker is 'none', allowed are the stages whose" in result.err


def test_a_folder_of_runs_beside_a_stage_is_refused(cli, tmp_path):
    result = cli("runs", "sync", "--env", "dev", "--runs", tmp_path)

    assert result.code == 2
    assert f"--runs is '{tmp_path}', which `runs sync --env` does not take" in result.sentence


def test_an_unknown_stage_is_refused(cli):
    result = cli("runs", "sync", "--env", "nowhere")

    assert result.code == 2
    assert "--env is 'nowhere', allowed are dev" in result.err
