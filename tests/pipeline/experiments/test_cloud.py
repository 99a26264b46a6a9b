"""`runs --env`: the runs here and in the cloud in one list, by few requests."""

import json
import os
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from environments import DEV
from pipeline.experiments import cloud, index
from pipeline.gcp.stage import Stage
from pipeline.tracking import experiment_run, stage_outbox
from settings import REPOSITORY
from tests.pipeline.experiments.run_folders import add_run
from tests.pipeline.experiments.run_folders import run_id as local_id
from tests.pipeline.tracking.broken_server import HANGS, broken_server
from tests.pipeline.tracking.stage_runs import add_job, run_id, run_summary
from tests.standins.google.faults import Fault

STORE = f"/vertex_ai/v1/projects/mill-dev/locations/{DEV.region}/metadataStores/default"
VERTEX = "GOOGLE_VERTEX_AI_CUSTOM_ENDPOINT"


@pytest.fixture
def dev(google) -> Stage:
    return Stage(DEV)


@pytest.fixture
def runs(tmp_path):
    folder = tmp_path / "runs"
    add_run(folder, 1)
    return folder


@pytest.fixture
def asked(google):
    """The requests since the last call, without the stand-in's own."""

    def call() -> list[str]:
        paths = [request.path for request in google.requests if request.method == "GET"]
        google.requests.clear()
        return paths

    return call


def track(google, stage, number, **changes) -> None:
    """Keep a run in the metadata, as its tracker does, without its edges."""
    run = stage_outbox.tracked(run_summary(number, **changes))
    id_ = experiment_run.id_of(stage.names.experiment("seat"), run.id)
    body = {"schemaTitle": "system.ExperimentRun", **experiment_run.fields(stage.name, run)}
    path = f"{STORE.replace('mill-dev', stage.project)}/contexts?contextId={id_}"
    answer = google.respond("POST", path, json.dumps(body).encode())
    assert answer.status == 200, answer.content


def names(listing) -> list[str]:
    return [row.run for row in listing.rows]


def test_a_stage_s_runs_are_rows_with_its_name_as_their_place(google, dev, runs):
    add_job(google, dev, 1)
    track(google, dev, 1)

    [row] = cloud.listing(runs, [dev]).rows

    assert row.place == "dev"
    assert row.run == run_id(1)
    assert row.metrics == {"auc": 0.91, "loss": 0.4}


def test_five_thousand_runs_take_ten_requests_and_then_only_what_changed(google, dev, runs, asked):
    add_job(google, dev, 0)
    for number in range(4_999):
        track(google, dev, number)
    google.age_contexts(2 * cloud.OVERLAP)
    track(google, dev, 4_999)
    asked()

    first, first_requests = cloud.listing(runs, [dev]), asked()
    track(google, dev, 5_000)
    google.requests.clear()
    second, second_requests = cloud.listing(runs, [dev]), asked()

    assert len(first.rows) == 5_000
    assert len(first_requests) <= 10
    assert len(second.rows) == 5_001
    assert len(second_requests) == 3
    assert "update_time" in second_requests[0]


def test_a_job_that_runs_and_one_that_was_not_tracked_are_listed(google, dev, runs):
    for number, state in ((1, "RUNNING"), (2, "SUCCEEDED"), (3, "FAILED")):
        add_job(google, dev, number, state)
    track(google, dev, 2)

    rows = {row.run: row for row in cloud.listing(runs, [dev]).rows}

    assert len(rows) == 3
    assert rows[run_id(1)].state == "running"
    assert rows[run_id(1)].model == "seat"
    assert rows[run_id(2)].metrics
    assert rows[run_id(3)].state == "failed"
    assert rows[run_id(3)].decision.startswith("not tracked, `runs sync --env dev` sends it")


def test_only_the_stage_s_own_of_a_shared_project_are_listed(google, dev, runs):
    other = Stage(replace(DEV, stage="test"))
    add_job(google, dev, 1)
    track(google, dev, 1)
    track(google, other, 2)

    assert names(cloud.listing(runs, [dev])) == [run_id(1)]
    assert names(cloud.listing(runs, [dev, other])) == [run_id(1), run_id(2)]


def test_a_project_without_a_store_has_no_run(dev, runs):
    listing = cloud.listing(runs, [dev])

    assert listing == index.Listing([], [])


def test_a_run_that_is_sent_later_is_listed_however_old_it_is(google, dev, runs):
    add_job(google, dev, 1)
    track(google, dev, 2)
    cloud.listing(runs, [dev])

    track(google, dev, 1, started="2020-01-01T00:00:00+00:00")

    assert sorted(names(cloud.listing(runs, [dev]))) == [run_id(1), run_id(2)]


def test_a_deleted_run_is_gone_after_a_day(google, dev, runs, monkeypatch):
    add_job(google, dev, 3, "RUNNING")
    track(google, dev, 1)
    track(google, dev, 2)
    cloud.listing(runs, [dev])
    id_ = experiment_run.id_of(dev.names.experiment("seat"), run_id(1))
    google.respond("DELETE", f"{STORE}/contexts/{id_}", b"")
    tomorrow = time.time() + cloud.WHOLE_SECONDS

    today = cloud.listing(runs, [dev])
    monkeypatch.setattr(cloud.time, "time", lambda: tomorrow)
    later = cloud.listing(runs, [dev])

    assert run_id(1) in names(today)
    assert run_id(1) not in names(later)


def test_a_clock_that_went_back_has_everything_asked_for(google, dev, runs, asked, monkeypatch):
    add_job(google, dev, 1)
    track(google, dev, 1)
    cloud.listing(runs, [dev])
    asked()
    past = time.time() - 3600
    monkeypatch.setattr(cloud.time, "time", lambda: past)

    cloud.listing(runs, [dev])

    [first, *_] = asked()
    assert "update_time" not in first


def test_an_empty_first_page_is_followed_by_others(google, dev, runs):
    add_job(google, dev, 1, "RUNNING")
    track(google, dev, 2)
    google.empty_first_pages = True

    assert sorted(names(cloud.listing(runs, [dev]))) == [run_id(1), run_id(2)]


def test_a_service_with_smaller_pages_is_asked_for_those(google, dev, runs):
    google.unknowns.largest_metadata_page = 100
    add_job(google, dev, 0)
    for number in range(101):
        track(google, dev, number)

    assert len(cloud.listing(runs, [dev]).rows) == 101


def test_a_context_of_somebody_else_s_is_left_out_and_named_every_time(google, dev, runs):
    add_job(google, dev, 1)
    track(google, dev, 1)
    body = {"schemaTitle": "system.ExperimentRun", "metadata": {"esteira_stage": "dev"}}
    google.respond("POST", f"{STORE}/contexts?contextId=foreign", json.dumps(body).encode())

    listings = [cloud.listing(runs, [dev]) for _ in range(2)]

    for listing in listings:
        assert names(listing) == [run_id(1)]
        [problem] = listing.problems
        assert problem.endswith("contexts/foreign is left out, it is no run of ours")


def damaged(file):
    file.write_bytes(b"no database" * 100)


def read_only(file):
    file.unlink()
    file.mkdir()


def locked(file):
    program = (
        "import sqlite3, sys, time; database = sqlite3.connect(sys.argv[1]); "
        "database.execute('BEGIN EXCLUSIVE'); print(flush=True); time.sleep(60)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(file)], stdout=subprocess.PIPE, text=True
    )
    process.stdout.readline()
    return process


@pytest.mark.parametrize("fault", [damaged, read_only, locked])
def test_an_index_that_is_of_no_use_costs_requests_alone(google, dev, runs, fault, asked):
    add_job(google, dev, 1)
    track(google, dev, 1)
    index.listing(runs)
    cloud.listing(runs, [dev])
    process = fault(runs / index.NAME)
    asked()

    listing = cloud.listing(runs, [dev])

    if process:
        process.kill()
        process.wait()
    assert names(listing) == [run_id(1)]
    assert len(asked()) == 3


def test_a_row_of_the_index_of_another_form_has_everything_asked_for(google, dev, runs, asked):
    add_job(google, dev, 1)
    track(google, dev, 1)
    cloud.listing(runs, [dev])
    with sqlite3.connect(runs / index.NAME) as database:
        database.execute("""UPDATE cloud_runs SET row = '{"tags": [], "id": 1}'""")
    asked()

    listing = cloud.listing(runs, [dev])

    [first, *_] = asked()
    assert names(listing) == [run_id(1)]
    assert "update_time" not in first


def test_local_and_cloud_runs_are_one_list(google, dev, runs, cli):
    add_job(google, dev, 1)
    track(google, dev, 1)

    result = cli("runs", "--runs", runs, "--env", "dev", "--where", "auc > 0.9")

    heading, *lines = [line.split("\t") for line in result.out.splitlines()]
    assert heading[:3] == ["run", "place", "auc"]
    assert sorted((line[0], line[1]) for line in lines) == [
        (local_id(1), "here"),
        (run_id(1), "dev"),
    ]
    assert result.code == 0


@pytest.mark.parametrize("answer", [401, 403, 429, 503])
def test_a_stage_that_cannot_be_read_is_told_beside_the_local_runs(google, runs, cli, answer):
    google.faults.append(Fault("GET", "contexts", answer))

    result = cli("runs", "--runs", runs, "--env", "dev")

    assert result.out.splitlines()[1].startswith(local_id(1))
    assert result.err.startswith("the runs of dev are left out: Vertex Experiments of dev")
    assert result.err.count("\n") == 1
    assert result.code == 0


def test_runs_that_are_here_are_compared_without_a_stage(google, runs, cli):
    google.faults.append(Fault("GET", "/b/", 403))

    result = cli("runs", "compare", local_id(1), local_id(1), "--runs", runs, "--env", "dev")

    assert result.code == 0, result.err
    assert "nothing differs" in result.out


def test_a_run_that_is_not_here_is_asked_for_in_the_stage(google, runs, cli):
    google.faults.append(Fault("GET", "/b/", 403))

    result = cli("runs", "compare", local_id(1), run_id(1), "--runs", runs, "--env", "dev")

    assert result.code == 1
    assert "bucket" in result.sentence


def test_a_stage_that_hangs_is_told_beside_the_local_runs(google, runs, cli, monkeypatch):
    from pipeline.gcp import contexts

    monkeypatch.setattr(contexts, "ANSWER_SECONDS", 0.3)
    with broken_server(HANGS) as broken:
        monkeypatch.setenv(VERTEX, broken.url)
        result = cli("runs", "--runs", runs, "--env", "dev")

    assert local_id(1) in result.out
    assert "Google could not be reached" in result.err
    assert result.code == 0


def test_a_failure_in_the_middle_keeps_no_half_of_a_list(google, dev, runs, monkeypatch):
    monkeypatch.setattr("pipeline.gcp.contexts.PAGE", 1)
    add_job(google, dev, 1)
    track(google, dev, 1)
    track(google, dev, 2)
    google.faults.append(Fault("GET", "pageToken", 503))

    first, second = (cloud.listing(runs, [dev]) for _ in range(2))

    assert first.rows == []
    assert sorted(names(second)) == [run_id(1), run_id(2)]


def test_every_stage_is_listed_by_one_word(google, runs, cli):
    result = cli("runs", "--runs", runs, "--env", "all", "--json")

    paths = {request.path.split("/")[4] for request in google.requests}
    assert paths == {"mill-dev", "mill-staging", "mill-prod"}
    assert [row["run"] for row in json.loads(result.out)] == [local_id(1)]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--env", "nowhere"], "--env is 'nowhere', allowed are dev"),
        (["--env", "dev", "tag", "x", "y"], "--env is 'dev', which `runs tag` does not take"),
    ],
)
def test_a_wrong_stage_is_refused(runs, cli, arguments, words):
    result = cli("runs", "--runs", runs, *arguments)

    assert result.code == 2
    assert words in result.err


def test_the_list_needs_no_library_of_googles_cloud(google, runs):
    program = (
        "import sys; from pipeline.__main__ import main; "
        "main(['runs', '--runs', sys.argv[1], '--env', 'dev']); "
        "heavy = {'tensorflow', 'tfx', 'mlflow', 'google.cloud.aiplatform'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    variables = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    process = subprocess.run(
        [sys.executable, "-c", program, str(runs)],
        cwd=REPOSITORY / "tests/team",
        env=variables,
        capture_output=True,
        text=True,
    )

    assert process.stdout.splitlines()[-1] == "[]"
