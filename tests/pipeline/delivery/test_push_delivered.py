"""A push of delivered models: their retraining, and their promotion."""

import pytest

from tests.pipeline.conftest import parsed
from tests.pipeline.delivery.conftest import FULL, SECOND, STAGING, builds, write_record
from tests.pipeline.delivery.pushed_commits import request

UNKNOWN_COMMIT = "e" * 40


def test_a_retraining_asks_for_each_recorded_model_by_the_commit_that_made_it(cloud, dev, cli):
    write_record(dev, FULL)

    result = cli("push", "--env", "dev", "--retrain", "--models", "cab", "--json")

    [build] = builds(cloud)
    [summary] = parsed(result)
    assert summary["build"]["id"] == build["id"]
    assert request(build) == {
        "COMMIT_SHA": SECOND.commit,
        "_MODELS": "cab",
        "TRIGGER_NAME": "dev-modules",
    }


def test_a_retraining_of_a_model_that_was_never_delivered_is_refused(cloud, cli):
    result = cli("push", "--env", "dev", "--retrain", "--models", "cab")

    says = "--models names 'cab', allowed are the models delivered to dev: none yet"
    assert result.code == 2
    assert says in result.sentence
    assert builds(cloud) == []


@pytest.fixture
def staging(google, blob, dev):
    """Dev with FULL's record, and staging's own trigger."""
    trigger = STAGING.names.trigger("modules")
    substitutions = {"_STAGE": "staging"}
    google.add_trigger(STAGING.project_id, STAGING.region, trigger, substitutions=substitutions)
    write_record(dev, FULL)
    return google


def test_a_promotion_is_handed_to_the_stage_s_own_trigger(staging, cli):
    model = ("--commit", SECOND.commit, "--models", "cab")

    result = cli("push", "--env", "staging", "--promote", *model)

    [build] = builds(staging)
    assert result.code == 0
    assert result.out.strip() == build["logUrl"]
    assert request(build) == {
        "COMMIT_SHA": SECOND.commit,
        "_MODELS": "cab",
        "TRIGGER_NAME": "staging-modules",
    }


@pytest.mark.parametrize(
    ("stage", "arguments", "says"),
    [
        ("staging", ["--models", "cab"], "--commit is missing"),
        (
            "staging",
            ["--commit", UNKNOWN_COMMIT, "--models", "cab"],
            f"dev has not delivered cab of --commit {UNKNOWN_COMMIT}",
        ),
        (
            "staging",
            ["--commit", UNKNOWN_COMMIT],
            "dev has not delivered any model of --commit",
        ),
        ("staging", ["--commit", SECOND.commit, "--models", "ferry"], "allowed are cab"),
        ("dev", ["--commit", UNKNOWN_COMMIT], "--env is 'dev', which promotes from no other"),
    ],
)
def test_what_the_stage_before_has_not_delivered_is_not_promoted(
    staging, cli, stage, arguments, says
):
    result = cli("push", "--env", stage, "--promote", *arguments)

    assert result.code == 2
    assert says in result.sentence
    assert builds(staging) == []
