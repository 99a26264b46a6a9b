"""The whole delivery, from a commit to a served model and on to staging.

Every kind of commit goes as far as its route goes, in one story.
"""

import pytest

from tests.pipeline.conftest import nodes_that
from tests.pipeline.scenarios import scratch as scratches
from tests.pipeline.scenarios.scratch import Scratch

MODEL = "models/cab/model.py"
MIXED = {
    "docs/note.md": "mixed",
    "pipeline/reports/note.py": '"""A note."""\n',
    "infra/note.py": '"""A note."""\n',
}


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    with scratches.project(tmp_path_factory.mktemp("scratch")) as project:
        yield project


def assert_success(scratch: Scratch, build: str) -> None:
    """Wait for the build with this id to succeed."""
    outcome = scratch.ended(build)
    assert outcome.status == "SUCCESS", outcome.output[-3000:]


def delivered(scratch: Scratch, push: dict) -> str:
    """The commit delivered by a push's build."""
    id_ = push["build"]["id"]
    assert_success(scratch, id_)
    build = scratch.build(id_)
    return build["substitutions"]["COMMIT_SHA"]


def test_a_push_delivers_exactly_what_changed(scratch: Scratch):
    the_first_push_delivers_everything_and_staging_takes_it_on(scratch)
    a_second_push_and_a_docs_commit_start_nothing(scratch)
    a_model_s_edit_builds_no_image_and_copies_one_file(scratch)
    a_report_s_edit_builds_an_image_and_trains_nothing(scratch)
    a_failed_full_delivery_still_ships_with_the_newest_of_two_later_pushes(scratch)
    a_new_model_is_delivered_alone_and_a_removed_one_is_named(scratch)
    one_call_brings_the_version_before_back(scratch)


def the_first_push_delivers_everything_and_staging_takes_it_on(scratch: Scratch) -> None:
    push = scratch.push()

    route = push["route"]
    assert push["started"] is True
    assert route["kind"] == "full"
    assert route["models"] == ["cab"]
    commit = delivered(scratch, push)
    record = scratch.record("dev")
    assert scratch.traffic("dev", "cab") == {"1": 100}
    assert record["commit"] == commit
    promotion = scratch.delivery_to("staging", commit)
    assert_success(scratch, promotion["id"])
    assert scratch.traffic("staging", "cab") == {"1": 100}
    dev_modules = scratch.modules("dev")
    staging_modules = scratch.modules("staging")
    assert staging_modules == dev_modules
    dev_version = scratch.version("dev", "cab")
    staging_version = scratch.version("staging", "cab")
    assert staging_version["images"] == dev_version["images"]
    assert staging_version["commit"] == dev_version["commit"]
    dev_summary = scratch.summary("dev", "cab")
    staging_summary = scratch.summary("staging", "cab")
    assert dev_summary["metrics"]["auc"] > 0.5
    assert nodes_that(dev_summary, "ran") > {"BigQueryExampleGen", "Trainer", "Pusher"}
    assert nodes_that(staging_summary, "cached") > {"BigQueryExampleGen", "Trainer"}
    assert staging_summary["metrics"] == dev_summary["metrics"]
    scratch.stop_promotions()


def a_second_push_and_a_docs_commit_start_nothing(scratch: Scratch) -> None:
    second_push = scratch.push()
    scratch.edit("README.md")
    push_of_docs = scratch.push()

    route = push_of_docs["route"]
    assert second_push["started"] is False
    assert push_of_docs["started"] is False
    assert route["kind"] == "none"


def a_model_s_edit_builds_no_image_and_copies_one_file(scratch: Scratch) -> None:
    first_record = scratch.record("dev")
    first_modules = scratch.modules("dev")
    scratch.edit(MODEL)

    push = scratch.push()

    route = push["route"]
    assert route["kind"] == "partial"
    assert route["models"] == ["cab"]
    assert route["image"] is False
    delivered(scratch, push)
    record = scratch.record("dev")
    modules = scratch.modules("dev")
    [new_module] = modules - first_modules
    assert scratch.traffic("dev", "cab") == {"2": 100}
    assert record["images"] == first_record["images"]
    assert new_module.endswith("/model.py")


def a_report_s_edit_builds_an_image_and_trains_nothing(scratch: Scratch) -> None:
    trained = list(scratch.vertex.trained)
    first_record = scratch.record("dev")
    scratch.edit("pipeline/reports/report.py")

    push = scratch.push()

    route = push["route"]
    assert route["kind"] == "full"
    assert route["models"] == []
    delivered(scratch, push)
    record = scratch.record("dev")
    assert scratch.vertex.trained == trained
    assert record["images"] != first_record["images"]
    assert scratch.traffic("dev", "cab") == {"2": 100}


def a_failed_full_delivery_still_ships_with_the_newest_of_two_later_pushes(
    scratch: Scratch,
) -> None:
    first_record = scratch.record("dev")
    scratch.edit("pipeline/job/dag.py")
    a_full_delivery_fails_and_changes_nothing(scratch, first_record["commit"])
    older = scratch.edit(MODEL)
    newer = scratch.commit(MIXED)

    push = scratch.push("--head", newer)
    late = scratch.push("--head", older)

    route = push["route"]
    assert late["started"] is False
    assert newer[:12] in late["said"]
    assert route["kind"] == "full"
    assert route["models"] == ["cab"]
    assert route["infrastructure"] is True
    commit = delivered(scratch, push)
    record = scratch.record("dev")
    assert commit == newer
    assert scratch.traffic("dev", "cab") == {"3": 100}
    assert record["commit"] == newer
    assert record["images"] != first_record["images"]


def a_full_delivery_fails_and_changes_nothing(scratch: Scratch, delivered_commit: str) -> None:
    scratch.vertex.fail_next = "Transform"

    push = scratch.push()

    build = push["build"]
    outcome = scratch.ended(build["id"])
    record = scratch.record("dev")
    assert outcome.status == "FAILURE"
    assert "failed at Transform" in outcome.output
    assert "report: https://storage.cloud.google.com/scratch-dev-dev-artifacts/" in outcome.output
    assert record["commit"] == delivered_commit
    assert scratch.traffic("dev", "cab") == {"2": 100}


def a_new_model_is_delivered_alone_and_a_removed_one_is_named(scratch: Scratch) -> None:
    files = files_of_the_model(scratch, "models/cab_two")
    scratch.commit(files)
    scratch.apply("cab_two")

    push = scratch.push()

    route = push["route"]
    assert route["kind"] == "partial"
    assert route["models"] == ["cab_two"]
    assert route["infrastructure"] is True
    delivered(scratch, push)
    traffic = scratch.traffic("dev", "cab_two")
    assert traffic == {"1": 100}
    scratch.commit(dict.fromkeys(files))

    push = scratch.push()

    route = push["route"]
    assert push["started"] is False
    assert route["removed"] == ["cab_two"]
    assert route["models"] == []


def files_of_the_model(scratch: Scratch, to: str) -> dict[str, str]:
    """The content of each file of the model `cab` by its path in a copy."""
    folder = scratch.repository.path / "models/cab"
    content_by_path = {}
    for path in folder.rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            name = path.relative_to(folder)
            content_by_path[f"{to}/{name}"] = path.read_text()
    return content_by_path


def one_call_brings_the_version_before_back(scratch: Scratch) -> None:
    scratch.call("release", "rollback", "--env", "dev", "cab")

    traffic = scratch.traffic("dev", "cab")
    assert traffic == {"2": 100}
