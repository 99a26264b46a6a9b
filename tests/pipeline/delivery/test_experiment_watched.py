"""An experiment's nodes are shown until its end, and its report is written then or later."""

import json
import os
import signal

import pytest

from pipeline.errors import ConfigurationError
from pipeline.submission import watch
from tests.pipeline.delivery import experiments
from tests.pipeline.delivery.deliveries import deliver
from tests.pipeline.tracking.stage_runs import contexts
from tests.standins.google.faults import PASSED, Fault
from tests.standins.twin import Twin

BROWSER = "https://storage.cloud.google.com/mill-dev-dev-artifacts"
pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture
def desk(google, pipelines, repository, warm):
    return experiments.desk(google, repository, warm)


@pytest.fixture
def twin(rehearsed, pipelines, blob):
    """Have the next jobs tell what a rehearsal of the model has read and made."""
    files = rehearsed.root.glob("rehearsals/*/tasks.json")
    twin = Twin(json.loads(min(files).read_text()), rehearsed.root)
    pipelines.details = twin.details(blob.bucket.name)
    return twin


def summary_of(stage, run):
    blob = stage.artifacts.blob(f"reports/cab/{run}/summary.json")
    return json.loads(blob.download_as_bytes())


def names_of(stage, run):
    prefix = f"reports/cab/{run}/"
    return {blob.name.removeprefix(prefix) for blob in stage.artifacts.list_blobs(prefix=prefix)}


def test_a_watched_run_leaves_the_report_the_card_and_the_summary_of_a_delivery(desk, twin, warm):
    desk.edit_model()
    run = desk.submit().run

    verdict = desk.watch(run)

    assert verdict.state == "blessed"
    assert verdict.report == f"{BROWSER}/reports/cab/{run}/report.html"
    names = {"summary.json", "report.html", "card/README.md", "card/card.html", "provenance.json"}
    assert names <= names_of(warm, run)


def test_its_summary_says_what_ran_and_that_nothing_is_published(desk, twin, warm):
    desk.edit_model()
    run = desk.submit().run

    desk.watch(run)

    summary = summary_of(warm, run)
    code = summary["records"]["code"]
    assert summary["run"] == run
    assert summary["metrics"]["auc"] > 0.5
    assert summary["decision"]["blessed"] is True
    assert summary["decision"]["published"] is None
    assert summary["decision"]["reason"] == (
        "every bound holds and the model can be served; an experiment is not published"
    )
    assert code["commit"] == desk.base
    assert code["kept"] == f"refs/esteira/runs/{run}"
    assert code["changed_files"] == ["models/cab/model.py"]


def test_its_report_is_of_the_files_that_ran_whatever_lies_here_by_then(desk, twin, warm):
    run = desk.submit().run
    file = desk.model / "model.toml"
    text = file.read_text()
    file.write_text(text.replace("lower_bound = 0.51", "lower_bound = 0.99"))

    desk.watch(run)

    [check] = summary_of(warm, run)["gate"]
    assert check["lower_bound"] == 0.51


def test_a_file_whose_name_is_not_utf_8_costs_no_report(desk, twin, warm):
    name = os.fsdecode(b"caf\xe9.txt")
    desk.write(name, "mine")
    run = desk.submit().run

    desk.watch(run)

    code = summary_of(warm, run)["records"]["code"]
    assert code["untracked_files"] == [r"caf\udce9.txt"]


def test_a_run_that_nobody_watched_is_reported_later(desk, twin, warm):
    run = desk.submit().run

    address = watch.report(warm, run)

    assert address == f"{BROWSER}/reports/cab/{run}/report.html"
    assert "summary.json" in names_of(warm, run)


def test_runs_sync_reports_and_tracks_a_run_that_nobody_watched(google, desk, twin, warm, cli):
    run = desk.submit().run

    result = cli("runs", "sync", "--env", "dev")

    [context] = contexts(google, warm, "system.ExperimentRun").values()
    assert result.code == 0, result.err
    assert "summary.json" in names_of(warm, run)
    assert context["displayName"] == run


def test_runs_sync_leaves_a_run_that_goes_on(google, desk, warm, cli):
    google.on_pipeline_job = None
    run = desk.submit().run

    result = cli("runs", "sync", "--env", "dev")

    assert result.code == 0, result.err
    assert "summary.json" not in names_of(warm, run)


def test_a_run_that_goes_on_is_not_reported(google, desk, warm):
    google.on_pipeline_job = None
    run = desk.submit().run

    assert watch.report(warm, run) is None
    assert "summary.json" not in names_of(warm, run)


def test_nodes_are_told_as_of_a_delivery(desk, pipelines):
    events = []
    run = desk.submit().run

    desk.watch(run, lambda node, state: events.append((node, state)))

    assert ("cab Trainer", "running") in events
    assert ("cab Trainer", "finished") in events


@pytest.fixture
def submit(desk, cli, monkeypatch):
    """The verb in the person's clone."""
    monkeypatch.setattr("pipeline.cli.submit.REPOSITORY", desk.path)

    def call(*options):
        return cli("submit", f"{desk.model}/", "--experiment", "--env", "dev", *options)

    return call


def test_the_verb_prints_the_run_and_how_to_watch_it(desk, submit, pipelines):
    desk.write("notes.txt", "mine")

    result = submit()

    [job] = pipelines.jobs
    *_, run = job["name"].split("/")
    assert result.code == 0, result.err
    assert f"python3 -m pipeline submit --watch {run} --env dev" in result.out
    assert "git does not know: notes.txt" in result.out


def test_the_verb_with_watch_shows_the_new_run_to_its_end(submit, pipelines):
    result = submit("--watch", "--json")

    [job] = pipelines.jobs
    answer = json.loads(result.out)
    assert result.code == 0, result.err
    assert job["name"].endswith(answer["run"])
    assert answer["state"] == "blessed"
    assert "cab Trainer" in result.err


def test_the_verb_refuses_other_code_with_2_and_one_sentence(desk, submit):
    desk.write("pipeline/job/dag.py", "nodes = 13\n")

    result = submit()

    assert result.code == 2
    assert "outside of models/ these differ from it: pipeline/job/dag.py" in result.sentence
    assert "Traceback" not in result.err


@pytest.mark.parametrize(
    ("verdict", "state", "code"),
    [("succeeded", "blessed", 0), ("refused", "not blessed", 3), ("failed", "failed", 1)],
)
def test_the_verb_ends_with_the_verdict_s_code(desk, pipelines, cli, verdict, state, code):
    pipelines.verdict = verdict
    run = desk.submit().run

    result = cli("submit", "--watch", run, "--env", "dev", "--json")

    answer = json.loads(result.out)
    assert result.code == code
    assert answer["state"] == state
    assert answer["run"] == run


def test_a_failure_is_told_with_its_node_and_reported(desk, pipelines, warm):
    pipelines.verdict = "failed"
    run = desk.submit().run

    verdict = desk.watch(run)

    assert "failed at Trainer: out of memory" in verdict.reason
    assert summary_of(warm, run)["state"] == "failed"


def test_an_interrupt_says_that_the_run_goes_on_and_how_to_watch_it(google, desk, cli, monkeypatch):
    google.on_pipeline_job = None
    run = desk.submit().run
    monkeypatch.setattr("time.sleep", lambda _: signal.raise_signal(signal.SIGINT))

    result = cli("submit", "--watch", run, "--env", "dev")

    assert result.code == 130
    assert "the run goes on" in result.err
    assert f"python3 -m pipeline submit --watch {run} --env dev" in result.err


def test_a_run_that_cannot_be_asked_for_a_moment_is_not_called_failed(google, desk, warm):
    google.on_pipeline_job = None
    run = desk.submit().run
    google.faults += [Fault("GET", run, answer) for answer in (PASSED, PASSED, 403)]

    verdict = desk.watch(run)

    assert google.faults == []
    assert verdict.state == "unknown"
    assert "Google refuses it" in verdict.reason
    assert "summary.json" not in names_of(warm, run)


def test_a_run_that_ended_while_it_could_not_be_asked_is_told_as_it_ended(google, desk, twin, warm):
    run = desk.submit().run
    google.faults += [Fault("GET", run, answer) for answer in (PASSED, PASSED, 403)]

    verdict = desk.watch(run)

    assert google.faults == []
    assert verdict.state == "blessed"
    assert summary_of(warm, run)["state"] == "succeeded"


def test_a_delivery_s_run_is_no_experiment_s(desk, pipelines, commit, warm):
    deliver(commit)
    [job] = pipelines.jobs

    with pytest.raises(ConfigurationError, match="a delivery's run"):
        watch.report(warm, job["name"])


@pytest.mark.parametrize("run", ["nothing", "Not An Id", "projects/9/locations/l/pipelineJobs/a"])
def test_an_unknown_run_is_a_sentence(google, cli, run):
    result = cli("submit", "--watch", run, "--env", "dev")

    assert result.code == 2
    assert "allowed is the run of an experiment in dev" in result.sentence


def test_a_report_without_the_run_s_sources_is_a_sentence_and_the_verdict_stands(
    desk, warm, capsys
):
    run = desk.submit().run
    warm.artifacts.delete_blob(f"reports/cab/{run}/sources.json")

    verdict = desk.watch(run)

    assert verdict.state == "blessed"
    assert verdict.report is None
    assert "sources.json is missing" in capsys.readouterr().err


@pytest.mark.parametrize(
    "content",
    [b"{", b'{"version": 2}', b'{"version": 1, "model": "../x"}'],
)
def test_damaged_sources_are_a_sentence(desk, warm, capsys, content):
    run = desk.submit().run
    warm.artifacts.blob(f"reports/cab/{run}/sources.json").upload_from_string(content)

    verdict = desk.watch(run)

    assert verdict.report is None
    assert "is damaged, or of a newer version" in capsys.readouterr().err
