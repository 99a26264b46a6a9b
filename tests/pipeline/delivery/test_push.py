"""A push hands a commit of main to its trigger once.

It does so however often it is asked, by however many, and whatever is lost on the way.
"""

import json
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from environments import ENVIRONMENTS
from pipeline.delivery import pushes, record_object
from pipeline.delivery.record import EMPTY, Push
from pipeline.errors import ConfigurationError, RunError, UnreachableError
from pipeline.gcp.stage import Stage
from tests.pipeline.delivery.conftest import DEV, FULL, Repository
from tests.standins.google.faults import LOST, Fault

STAGING = ENVIRONMENTS["staging"]
RUNS = r"triggers/.*:run"


@pytest.fixture
def main(repository, tmp_path):
    """A clone whose main is GitHub's: each commit is pushed at once."""
    origin = tmp_path / "origin.git"
    repository.git("init", "--quiet", "--bare", "--initial-branch=main", str(origin))
    repository.git("remote", "add", "origin", str(origin))
    return repository


@pytest.fixture
def cloud(google, blob):
    for recipe in ("image", "modules"):
        google.add_trigger(
            DEV.project_id,
            DEV.region,
            DEV.names.trigger(recipe),
            substitutions={"_STAGE": "dev", "_MODELS": "all"},
        )
    return google


def pushed(main: Repository, files: dict[str, str | None]) -> str:
    commit = main.commit(files)
    main.git("push", "--quiet", "origin", "main")
    return commit


def push(main: Repository, head: str = "HEAD", again: bool = False):
    return pushes.push(Stage(DEV), main.path, head, again=again)


def delivered(commit: str) -> None:
    """The record as after a delivery of that commit."""
    record_object.update(
        Stage(DEV), lambda record: replace(record, commit=commit, images=FULL.images)
    )


def builds(cloud) -> list[dict]:
    return [
        body
        for (product, name), body in cloud.objects.items()
        if product == "cloud_build" and "/builds/" in name
    ]


BEGIN = {
    "README.md": "",
    "pipeline/job/dag.py": "",
    "models/cab/model.toml": "",
    "models/cab/model.py": "",
}


def test_the_first_push_builds_the_image_and_delivers_every_model_of_exactly_that_commit(
    main, cloud
):
    commit = pushed(main, BEGIN)

    result = push(main)

    [build] = builds(cloud)
    assert result.started is True
    assert result.build.id == build["id"]
    assert result.build.url == build["logUrl"]
    assert (
        build["substitutions"]
        | {"COMMIT_SHA": commit, "_STAGE": "dev", "_MODELS": "cab", "TRIGGER_NAME": "dev-image"}
        == build["substitutions"]
    )
    assert record_object.read(Stage(DEV)).pushed.build == build["id"]


def test_a_model_s_edit_goes_to_the_modules_trigger_with_that_model(main, cloud):
    delivered(pushed(main, BEGIN))
    commit = pushed(main, {"models/cab/model.py": "edited"})

    push(main)

    [build] = builds(cloud)
    assert build["substitutions"]["TRIGGER_NAME"] == "dev-modules"
    assert build["substitutions"]["_MODELS"] == "cab"
    assert build["substitutions"]["COMMIT_SHA"] == commit


def test_an_image_without_models_says_none_since_cloud_build_can_t_tell_empty_from_missing(
    main, cloud
):
    delivered(pushed(main, BEGIN))
    pushed(main, {"pipeline/reports/report.py": "blue"})

    push(main)

    assert [build["substitutions"]["_MODELS"] for build in builds(cloud)] == ["none"]


def test_a_change_that_reaches_nothing_starts_nothing(main, cloud):
    delivered(pushed(main, BEGIN))
    pushed(main, {"README.md": "edited"})

    result = push(main)

    assert result.started is False
    assert result.said.split(":")[0] == "nothing to deliver"
    assert builds(cloud) == []


def test_a_second_push_of_a_commit_starts_nothing_and_tells_the_first_s_build(main, cloud):
    pushed(main, BEGIN)
    first = push(main)

    second = push(main)

    assert second.started is False
    assert second.build.id == first.build.id
    assert len(builds(cloud)) == 1
    assert second.said.endswith("nothing is started, --again does")


def test_again_starts_a_second_build_of_a_commit(main, cloud):
    pushed(main, BEGIN)
    push(main)

    assert push(main, again=True).started
    assert len(builds(cloud)) == 2


def test_again_starts_what_delivered_a_commit_once_more(main, cloud):
    commit = pushed(main, BEGIN)
    push(main)
    delivered(commit)

    assert not push(main).started
    assert push(main, again=True).started
    assert {build["substitutions"]["TRIGGER_NAME"] for build in builds(cloud)} == {"dev-image"}


def test_a_build_that_may_have_been_started_keeps_its_claim(main, cloud):
    commit = pushed(main, BEGIN)
    cloud.faults += [Fault("POST", RUNS, LOST)] * 99
    pushes.cloud_build.patiently, patient = (lambda call: call()), pushes.cloud_build.patiently
    try:
        with pytest.raises(UnreachableError):
            push(main)
    finally:
        pushes.cloud_build.patiently = patient
    cloud.faults.clear()

    result = push(main)

    assert record_object.read(Stage(DEV)).pushed.commit == commit
    assert result.started is False
    assert len(builds(cloud)) == 1


@pytest.mark.parametrize(("flag", "value"), [("--models", "cab"), ("--commit", "a" * 40)])
def test_what_only_a_promotion_takes_is_not_silently_ignored(cli, flag, value):
    result = cli("push", "--env", "dev", flag, value)

    assert result.code == 2
    assert f"{flag} is '{value}', allowed with" in result.sentence


def test_two_pushes_at_once_start_one_build(main, cloud):
    pushed(main, BEGIN)
    results = []
    together = threading.Barrier(2)

    def one():
        together.wait()
        results.append(push(main))

    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(result.started for result in results) == [False, True]
    assert len(builds(cloud)) == 1


def test_what_a_failed_delivery_held_is_part_of_the_next_push(main, cloud):
    delivered(pushed(main, BEGIN))
    pushed(main, {"pipeline/job/dag.py": "edited"})
    push(main)  # and its delivery fails: the record's commit stays

    pushed(main, {"models/cab/model.py": "edited"})
    push(main)

    assert [build["substitutions"]["TRIGGER_NAME"] for build in builds(cloud)] == [
        "dev-image",
        "dev-image",
    ]


@pytest.mark.parametrize("how", ["superseded", "delivered"])
def test_a_push_that_comes_late_starts_nothing(main, cloud, how):
    late = pushed(main, BEGIN)
    newer = pushed(main, {"models/cab/model.py": "edited"})
    if how == "superseded":
        push(main, newer)
    else:
        delivered(newer)
    count = len(builds(cloud))

    result = push(main, late)

    assert result.started is False
    assert len(builds(cloud)) == count
    assert newer[:12] in result.said


def test_a_push_that_died_before_it_started_a_build_is_taken_over(main, cloud):
    commit = pushed(main, BEGIN)
    died = Push(
        commit=commit,
        recipe="image",
        models=("cab",),
        at=datetime.now(UTC) - timedelta(hours=1),
        build=None,
    )
    record_object.update(Stage(DEV), lambda record: replace(record, pushed=died))

    assert push(main).started


def test_a_push_that_may_still_be_starting_its_build_is_waited_for(main, cloud):
    commit = pushed(main, BEGIN)
    starting = Push(
        commit=commit, recipe="image", models=("cab",), at=datetime.now(UTC), build=None
    )
    record_object.update(Stage(DEV), lambda record: replace(record, pushed=starting))

    result = push(main)

    assert result.started is False
    assert "is being pushed by someone else" in result.said
    assert builds(cloud) == []


@pytest.mark.parametrize("answer", [429, 503, LOST])
def test_one_build_is_started_where_the_call_is_refused_for_now_or_its_answer_is_lost(
    main, cloud, answer
):
    pushed(main, BEGIN)
    cloud.faults.append(Fault("POST", RUNS, answer))

    result = push(main)

    assert cloud.faults == []
    assert [build["id"] for build in builds(cloud)] == [result.build.id]


@pytest.mark.parametrize(
    ("answer", "says"),
    [(403, "Google refuses it"), (404, "is not there in mill-dev"), (409, "Google answered 409")],
)
def test_a_refused_push_names_the_trigger_starts_nothing_and_leaves_the_record_as_it_was(
    main, cloud, answer, says
):
    pushed(main, BEGIN)
    cloud.faults.append(Fault("POST", RUNS, answer))

    with pytest.raises(RunError, match=f"the trigger dev-image.*{says}"):
        push(main)

    assert builds(cloud) == []
    assert record_object.read(Stage(DEV)) == EMPTY


def test_a_missing_trigger_is_named_with_what_tells_more(main, google, blob):
    pushed(main, BEGIN)

    with pytest.raises(
        RunError, match=r"there is no trigger dev-image in mill-dev: .*`make doctor env=dev`"
    ):
        push(main)


def test_missing_credentials_are_told_with_what_gets_them(main, blob, monkeypatch, tmp_path):
    pushed(main, BEGIN)
    monkeypatch.delenv("GOOGLE_CLOUD_BUILD_CUSTOM_ENDPOINT", raising=False)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "gone.json"))

    with pytest.raises(
        RunError,
        match=r"there are no valid Google credentials: run `gcloud auth application-default login`",
    ):
        push(main)


def test_a_tree_with_changes_is_refused(main, cloud):
    pushed(main, BEGIN)
    (main.path / "README.md").write_text("edited")
    (main.path / "new.txt").write_text("")

    with pytest.raises(ConfigurationError, match=r"README.md is not committed \(and 1 more\)"):
        push(main)
    assert builds(cloud) == []


def test_a_commit_that_was_not_pushed_is_refused(main, cloud):
    pushed(main, BEGIN)
    main.commit({"README.md": "edited"})

    with pytest.raises(
        ConfigurationError, match="which is not on origin/main: merge and `git push` it"
    ):
        push(main)
    assert builds(cloud) == []


def test_a_commit_of_another_branch_is_refused(main, cloud):
    pushed(main, BEGIN)
    main.git("checkout", "--quiet", "-b", "other")
    main.commit({"README.md": "edited"})
    main.git("push", "--quiet", "origin", "other")

    with pytest.raises(ConfigurationError, match="which is not on origin/main"):
        push(main)


def test_a_clone_that_has_never_seen_main_says_how_to_see_it(repository, cloud):
    repository.commit(BEGIN)

    with pytest.raises(RunError, match="knows no origin/main: `git fetch origin main` brings it"):
        push(repository)


def test_an_unknown_commit_and_another_stage_are_refused(main, cloud, cli):
    pushed(main, BEGIN)

    with pytest.raises(ConfigurationError, match="--head is 'nosuch', allowed is a commit"):
        push(main, "nosuch")
    result = cli("push", "--env", "prod")
    assert result.code == 2
    assert "--env is 'prod', which gets what passed in staging" in result.sentence
    result = cli("push", "--env", "nosuch")
    assert result.code == 2
    assert (
        result.sentence
        == "python -m pipeline push: --env is 'nosuch', allowed are dev, staging, prod"
    )


def test_a_retraining_asks_for_each_recorded_model_by_the_commit_that_made_it(cloud, cli):
    record_object.update(Stage(DEV), lambda _: FULL)

    result = cli("push", "--env", "dev", "--retrain", "--models", "cab", "--json")

    [build] = builds(cloud)
    assert [summary["build"]["id"] for summary in json.loads(result.out)] == [build["id"]]
    substitutions = {
        name: build["substitutions"][name] for name in ("COMMIT_SHA", "_MODELS", "TRIGGER_NAME")
    }
    assert substitutions == {
        "COMMIT_SHA": FULL.models["cab"].current.commit,
        "_MODELS": "cab",
        "TRIGGER_NAME": "dev-modules",
    }


def test_a_retraining_of_a_model_that_was_never_delivered_is_refused(cloud, cli):
    result = cli("push", "--env", "dev", "--retrain", "--models", "cab")

    assert result.code == 2
    assert (
        "--models names 'cab', allowed are the models delivered to dev: none yet" in result.sentence
    )
    assert builds(cloud) == []


@pytest.fixture
def staging(google, store, blob):
    """Dev with FULL's record, and staging's own trigger."""
    google.add_trigger(
        STAGING.project_id,
        STAGING.region,
        STAGING.names.trigger("modules"),
        substitutions={"_STAGE": "staging"},
    )
    record_object.update(Stage(DEV), lambda _: FULL)
    return google


def test_a_promotion_is_handed_to_the_stage_s_own_trigger(staging, cli):
    commit = FULL.models["cab"].current.commit

    result = cli("push", "--env", "staging", "--promote", "--commit", commit, "--models", "cab")

    [build] = builds(staging)
    assert result.code == 0
    assert result.out.strip() == build["logUrl"]
    substitutions = {
        name: build["substitutions"][name] for name in ("COMMIT_SHA", "_MODELS", "TRIGGER_NAME")
    }
    assert substitutions == {
        "COMMIT_SHA": commit,
        "_MODELS": "cab",
        "TRIGGER_NAME": "staging-modules",
    }


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--env", "staging", "--promote", "--models", "cab"], "--commit is missing"),
        (
            ["--env", "staging", "--promote", "--commit", "e" * 40, "--models", "cab"],
            f"dev has not delivered cab of --commit {'e' * 40}",
        ),
        (
            ["--env", "staging", "--promote", "--commit", "e" * 40],
            "dev has not delivered any model of --commit",
        ),
        (
            [
                "--env",
                "staging",
                "--promote",
                "--commit",
                FULL.models["cab"].current.commit,
                "--models",
                "ferry",
            ],
            "allowed are cab",
        ),
        (
            ["--env", "dev", "--promote", "--commit", "e" * 40],
            "--env is 'dev', which promotes from no other",
        ),
    ],
)
def test_what_the_stage_before_has_not_delivered_is_not_promoted(staging, cli, arguments, says):
    result = cli("push", *arguments)

    assert result.code == 2
    assert says in result.sentence
    assert builds(staging) == []
