"""`lineage --env`: the same answers from a stage's metadata, history and reports."""

import json
from dataclasses import replace

import pytest

from pipeline.author import author
from pipeline.delivery import history
from pipeline.gcp import clients
from pipeline.gcp.endpoints import endpoint_of
from pipeline.gcp.stage import Stage
from pipeline.serving.request_log.table import LogTable
from tests.pipeline.delivery.conftest import (
    FIRST,
    STAGING,
    WARM,
    add_delivery,
    push_version,
)
from tests.pipeline.lineage.jobs import Jobs
from tests.pipeline.monitoring import request_logs
from tests.standins import local_bigquery

RUN = "dev-cab-1"
BAD, OTHER = "1" * 64, "2" * 64
WARM_STAGING = replace(STAGING, serving=WARM.serving)
STAGING_RUN = "staging-cab-1"
IMAGE = f"us-docker.pkg.dev/p/r/pipeline@sha256:{'5' * 64}"


def summary(run: str = RUN, digest: str = BAD) -> str:
    """What the delivery writes of the run, as far as a lineage reads it."""
    environment = {"python": "3.13.5", "pipfile_lock_sha256": "e" * 64, "packages": {}}
    records = {
        "code": {"commit": "a" * 40},
        "environment": environment | {"image": IMAGE},
        "data": {"rows": 1500, "digest": digest},
        "hyperparameters": {},
        "metrics": {},
    }
    return json.dumps({"run": run, "model": "cab", "records": records})


@pytest.fixture
def released(google, warm) -> str:
    """The deployed model of the version that one run made and that has all the traffic."""
    Jobs(google).run(RUN, digest=BAD)
    return release(warm, RUN, summary())


@pytest.fixture
def promoted(google, released):
    """The same commit in staging, trained there on its own rows; it has all the traffic."""
    clients.storage(STAGING.project_id).create_bucket(STAGING.names.bucket("artifacts"))
    aiplatform = clients.vertex(STAGING.project_id, STAGING.region)
    endpoint_id = STAGING.names.endpoint("cab")
    aiplatform.Endpoint.create(display_name="staging-cab", endpoint_id=endpoint_id)
    jobs = Jobs(google, STAGING)
    jobs.run(STAGING_RUN, digest=OTHER)
    release(Stage(WARM_STAGING), STAGING_RUN, summary(STAGING_RUN, OTHER))
    jobs.run("staging-cab-2", digest=OTHER, blessed=0)
    blob = Stage(STAGING).artifacts.blob("reports/cab/staging-cab-2/summary.json")
    blob.upload_from_string(summary("staging-cab-2", OTHER), content_type="application/json")


def release(stage: Stage, run: str, text: str) -> str:
    """The deployed model of the run's version, after it was delivered and took all traffic."""
    blob = stage.artifacts.blob(f"reports/cab/{run}/summary.json")
    blob.upload_from_string(text, content_type="application/json")
    deployed_model = push_version(stage, "first")
    job = f"projects/1/locations/us-central1/pipelineJobs/{run}"
    add_delivery(stage, "cab", replace(FIRST, run=job))
    endpoint = endpoint_of(stage, "cab")
    endpoint.split({deployed_model: 100})
    history.append(endpoint, "release")
    return deployed_model


@pytest.fixture
def ask(cli):
    """The verb's exit code and JSON."""

    def _ask(*arguments: str, env: str = "dev"):
        result = cli("lineage", *arguments, "--env", env, "--json")
        assert result.out, result.err
        return result.code, json.loads(result.out)

    return _ask


@pytest.mark.parametrize("name", ["cab", "cab@1", RUN, "endpoint", "deployed model"])
def test_each_name_in_a_stage_goes_back_to_the_rows_commit_and_image(released, ask, name):
    names = {"endpoint": WARM.names.endpoint("cab"), "deployed model": released}

    _, answer = ask("back", names.get(name, name))

    [origin] = answer["origins"]
    assert origin["run"] == RUN
    assert origin["data"]["digest"] == BAD
    assert origin["code"]["commit"] == "a" * 40
    assert origin["environment"]["image"] == IMAGE
    assert {"Trainer", "Transform"} < {hop["node"] for hop in origin["hops"]}


@pytest.fixture
def logged(tmp_path, monkeypatch, released):
    """The request 4711, of a minute after the day's begin, in the stage's log."""
    stage, names = WARM.project_id, WARM.names
    with local_bigquery.serving(tmp_path / "bigquery") as server:
        monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", server.url)
        local_bigquery.create_dataset(server.url, stage, names.dataset("requests"))
        table = f"{stage}.{names.dataset('requests')}.{names.request_table('cab')}"
        LogTable(table).connect()
        request = request_logs.Request(
            version=released, questions=["{}"], answers=["0.5"], id=4711, second=60.0
        )
        client = clients.bigquery(stage, WARM.region)
        assert client.insert_rows_json(table, [request.row()]) == []
        yield


def test_the_id_of_a_request_in_a_stages_log_goes_back_to_the_rows(logged, ask):
    _, answer = ask("back", "4711")

    [origin] = answer["origins"]
    assert (origin["model"], origin["version"], origin["run"]) == ("cab", "1", RUN)
    assert origin["data"]["digest"] == BAD
    assert answer["at"] == f"{request_logs.DAY}T00:01:00+00:00"


def test_an_id_that_is_in_no_log_of_a_stage_is_unknown(logged, cli):
    result = cli("lineage", "back", "815", "--env", "dev")

    assert result.code == 2
    assert "'815' is no model" in result.sentence


def test_bad_rows_that_a_stage_serves_end_with_3_and_a_command(released, ask):
    code, answer = ask("forward", "--data", BAD)

    [model] = answer["models"]
    [serving] = model["servings"]
    assert code == 3
    assert (serving["stage"], serving["share"], serving["end"]) == ("dev", 100, None)
    assert serving["by"] == author()
    command, _, reason = answer["commands"][0].partition("  # ")
    assert command == "python3 -m pipeline release retire --env dev cab"
    assert reason == "all its versions: there is none before it"


def test_the_way_back_is_to_the_version_before_where_that_is_better(released, warm, ask):
    add_delivery(warm, "cab", replace(FIRST, registry_version="7"))
    add_delivery(warm, "cab", FIRST)

    _, answer = ask("forward", "--data", BAD)

    assert answer["commands"] == ["python3 -m pipeline release rollback --env dev cab"]


def test_the_way_back_is_to_no_version_that_is_as_bad(released, warm, ask):
    second = push_version(warm, f"pipelines/dev-cab/1/{RUN}/Trainer_8/model/Format-Serving")
    endpoint = endpoint_of(warm, "cab")
    for deployed_model in (second, released):
        endpoint.split({deployed_model: 100})
        history.append(endpoint, "release")
    add_delivery(warm, "cab", replace(FIRST, registry_version="2"))
    add_delivery(warm, "cab", FIRST)

    _, answer = ask("forward", "--data", BAD)

    [command] = answer["commands"]
    assert "release retire --env dev cab" in command
    assert command.endswith("# all its versions: the one before it is no better")


def test_bad_versions_that_share_the_traffic_are_taken_away_by_one_command(released, warm, ask):
    second = push_version(warm, f"pipelines/dev-cab/1/{RUN}/Trainer_8/model/Format-Serving")
    endpoint = endpoint_of(warm, "cab")
    endpoint.split({released: 50, second: 50})
    history.append(endpoint, "release")

    _, answer = ask("forward", "--data", BAD)

    [model] = answer["models"]
    versions = {serving["version"] for serving in model["servings"]}
    assert versions == {"1", "2"}
    assert len(answer["commands"]) == 1


def test_a_bad_image_is_followed_as_well(released, ask):
    code, answer = ask("forward", "--image", f"sha256:{'5' * 12}")

    assert code == 3
    assert [model["run"] for model in answer["models"]] == [RUN]


def test_stages_that_cannot_be_read_are_named_and_the_rest_is_told(released, ask):
    code, answer = ask("forward", "--data", BAD)

    assert code == 3
    assert {unread["stage"] for unread in answer["unread"]} == {"staging", "prod"}
    assert len(answer["models"]) == 1


def test_a_promoted_model_goes_back_to_the_run_that_trained_it_in_its_own_stage(promoted, ask):
    _, answer = ask("back", "cab", env="staging")

    [origin] = answer["origins"]
    assert origin["run"] == origin["trained_by"] == STAGING_RUN
    assert origin["data"]["digest"] == OTHER
    assert origin["promoted_from"] == "dev"
    assert [serving["stage"] for serving in origin["servings"]] == ["staging"]
    assert {hop["run"] for hop in origin["hops"]} == {STAGING_RUN}


def test_a_run_that_was_never_delivered_is_not_said_to_be_promoted(promoted, ask):
    _, answer = ask("back", "staging-cab-2", env="staging")

    [origin] = answer["origins"]
    assert origin["version"] is None
    assert origin["promoted_from"] is None


def test_a_bad_image_is_followed_into_each_stage_that_trained_with_it(promoted, ask):
    code, answer = ask("forward", "--image", f"sha256:{'5' * 12}")

    runs = [(model["stage"], model["run"]) for model in answer["models"]]
    stages = [serving["stage"] for model in answer["models"] for serving in model["servings"]]
    assert code == 3
    assert runs[:2] == [("dev", RUN), ("staging", STAGING_RUN)]
    assert stages == ["dev", "staging"]
    assert [command.split()[6] for command in answer["commands"]] == ["dev", "staging"]


def test_bad_rows_of_one_stage_are_found_by_their_digest_from_another(promoted, ask):
    code, answer = ask("forward", "--data", OTHER)

    assert code == 3
    assert {model["stage"] for model in answer["models"]} == {"staging"}


def test_days_of_a_table_are_asked_of_its_own_stage(promoted, ask):
    _, answer = ask("forward", "--rows-from", "2026-01-01")

    assert {model["stage"] for model in answer["models"]} == {"dev"}
    assert answer["unread"] == []


def test_a_digest_is_not_refused_where_nothing_of_the_stage_can_be_read(released, cli):
    result = cli("lineage", "forward", "--data", BAD, "--env", "staging")

    assert result.code == 1
    assert "the bucket" in result.sentence


def test_a_stage_that_cannot_be_read_is_not_said_to_serve_nothing(released, cli):
    result = cli("lineage", "back", "cab", "--env", "staging")

    assert result.code == 1
    assert "what served cab in staging cannot be read: the bucket" in result.sentence


def test_a_model_without_an_endpoint_hides_no_other(released, cli):
    result = cli("lineage", "back", "nothing", "--env", "dev")

    assert result.code == 2
    assert "the nearest are" in result.sentence
    assert "endpoint" in result.sentence
