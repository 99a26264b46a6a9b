"""`lineage --env`: the same answers from a stage's metadata, history and reports."""

import json

import pytest

from pipeline.delivery import history
from pipeline.gcp.endpoints import endpoint_of
from tests.pipeline.delivery.conftest import FIRST, WARM, add_delivery, push_version
from tests.pipeline.lineage.jobs import Jobs

RUN = "dev-cab-1"
BAD = "1" * 64
IMAGE = f"us-docker.pkg.dev/p/r/pipeline@sha256:{'5' * 64}"


def summary() -> str:
    """What the delivery writes of the run, as far as a lineage reads it."""
    environment = {"python": "3.13.5", "pipfile_lock_sha256": "e" * 64, "packages": {}}
    records = {
        "code": {"commit": "a" * 40},
        "environment": environment | {"image": IMAGE},
        "data": {"rows": 1500, "digest": BAD},
        "hyperparameters": {},
        "metrics": {},
    }
    return json.dumps({"run": RUN, "model": "cab", "records": records})


@pytest.fixture
def released(google, warm) -> str:
    """The deployed model of the version that one run made and that has all the traffic."""
    Jobs(google).run(RUN, digest=BAD)
    blob = warm.artifacts.blob(f"reports/cab/{RUN}/summary.json")
    blob.upload_from_string(summary(), content_type="application/json")
    deployed_model = push_version(warm, "first")
    add_delivery(warm, "cab", FIRST)
    endpoint = endpoint_of(warm, "cab")
    endpoint.split({deployed_model: 100})
    history.append(endpoint, "release")
    return deployed_model


@pytest.fixture
def ask(cli):
    """The verb's exit code and JSON."""

    def _ask(*arguments: str):
        result = cli("lineage", *arguments, "--env", "dev", "--json")
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


def test_bad_rows_that_a_stage_serves_end_with_3_and_a_command(released, ask):
    code, answer = ask("forward", "--data", BAD)

    [model] = answer["models"]
    [serving] = model["servings"]
    assert code == 3
    assert (serving["stage"], serving["share"], serving["end"]) == ("dev", 100, None)
    assert serving["by"] == history.author()
    assert answer["commands"][0].startswith("python3 -m pipeline release retire --env dev cab")


def test_a_bad_image_is_followed_as_well(released, ask):
    code, answer = ask("forward", "--image", f"sha256:{'5' * 12}")

    assert code == 3
    assert [model["run"] for model in answer["models"]] == [RUN]


def test_stages_that_cannot_be_read_are_named_and_the_rest_is_told(released, ask):
    _, answer = ask("back", "cab")

    assert {unread["stage"] for unread in answer["unread"]} == {"staging", "prod"}
    assert len(answer["origins"]) == 1


def test_a_model_without_an_endpoint_hides_no_other(released, cli):
    result = cli("lineage", "back", "nothing", "--env", "dev")

    assert result.code == 2
    assert "the nearest are" in result.sentence
    assert "endpoint" in result.sentence
