"""The whole delivery, from a commit to a served model and on to staging.

Every kind of commit goes as far as its route goes, in one story.
"""

import pytest

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


def delivered(scratch: Scratch, done: dict) -> str:
    """The commit delivered by a push's build."""
    outcome = scratch.ended(done["build"]["id"])
    assert outcome.status == "SUCCESS", outcome.output[-3000:]
    return next(
        build["substitutions"]["COMMIT_SHA"]
        for build in scratch.builds()
        if build["id"] == done["build"]["id"]
    )


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

    assert push["started"] is True
    assert push["route"]["kind"] == "full"
    assert push["route"]["models"] == ["cab"]
    commit = delivered(scratch, push)
    assert scratch.traffic("dev", "cab") == {"1": 100}
    assert scratch.record("dev")["commit"] == commit
    promotion = scratch.delivery_to("staging", commit)
    assert scratch.ended(promotion["id"]).status == "SUCCESS", scratch.ended(
        promotion["id"]
    ).output[-3000:]
    assert scratch.traffic("staging", "cab") == {"1": 100}
    assert scratch.modules("staging") == scratch.modules("dev")
    first_version, second_version = (
        scratch.record(stage)["models"]["cab"]["current"] for stage in ("dev", "staging")
    )
    assert first_version["images"] == second_version["images"]
    assert first_version["commit"] == second_version["commit"]
    scratch.stop_promotions()


def a_second_push_and_a_docs_commit_start_nothing(scratch: Scratch) -> None:
    assert not scratch.push()["started"]
    scratch.edit("README.md")

    push = scratch.push()

    assert push["started"] is False
    assert push["route"]["kind"] == "none"


def a_model_s_edit_builds_no_image_and_copies_one_file(scratch: Scratch) -> None:
    images, modules = scratch.record("dev")["images"], scratch.modules("dev")
    scratch.edit(MODEL)

    push = scratch.push()

    assert push["route"]["kind"] == "partial"
    assert push["route"]["models"] == ["cab"]
    assert push["route"]["image"] is False
    delivered(scratch, push)
    assert scratch.traffic("dev", "cab") == {"2": 100}
    assert scratch.record("dev")["images"] == images
    assert [name.rsplit("/", 1)[1] for name in scratch.modules("dev") - modules] == ["model.py"]


def a_report_s_edit_builds_an_image_and_trains_nothing(scratch: Scratch) -> None:
    trained, images = list(scratch.vertex.trained), scratch.record("dev")["images"]
    scratch.edit("pipeline/reports/report.py")

    push = scratch.push()

    assert push["route"]["kind"] == "full"
    assert push["route"]["models"] == []
    delivered(scratch, push)
    assert scratch.vertex.trained == trained
    assert scratch.record("dev")["images"] != images
    assert scratch.traffic("dev", "cab") == {"2": 100}


def a_failed_full_delivery_still_ships_with_the_newest_of_two_later_pushes(
    scratch: Scratch,
) -> None:
    first_record = scratch.record("dev")
    scratch.edit("pipeline/job/dag.py")
    scratch.vertex.fail_next = "Transform"
    failing = scratch.push()
    assert scratch.ended(failing["build"]["id"]).status == "FAILURE"
    assert "failed at Transform" in scratch.ended(failing["build"]["id"]).output
    assert scratch.record("dev")["commit"] == first_record["commit"]
    assert scratch.traffic("dev", "cab") == {"2": 100}
    older = scratch.edit(MODEL)
    newer = scratch.commit(MIXED)

    push = scratch.push("--head", newer)
    late = scratch.push("--head", older)

    assert late["started"] is False
    assert newer[:12] in late["said"]
    assert push["route"]["kind"] == "full"
    assert push["route"]["models"] == ["cab"]
    assert push["route"]["infrastructure"] is True
    assert delivered(scratch, push) == newer
    assert scratch.traffic("dev", "cab") == {"3": 100}
    assert scratch.record("dev")["commit"] == newer
    assert scratch.record("dev")["images"] != first_record["images"]


def a_new_model_is_delivered_alone_and_a_removed_one_is_named(scratch: Scratch) -> None:
    folder = scratch.repository.path / "models/cab"
    files = {
        str(file.relative_to(folder)): file.read_text()
        for file in folder.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    scratch.commit({f"models/cab_two/{name}": content for name, content in files.items()})
    scratch.apply("cab_two")

    push = scratch.push()

    assert push["route"]["kind"] == "partial"
    assert push["route"]["models"] == ["cab_two"]
    assert push["route"]["infrastructure"] is True
    delivered(scratch, push)
    assert scratch.traffic("dev", "cab_two") == {"1": 100}
    scratch.commit({f"models/cab_two/{name}": None for name in files})

    push = scratch.push()

    assert push["started"] is False
    assert push["route"]["removed"] == ["cab_two"]
    assert push["route"]["models"] == []


def one_call_brings_the_version_before_back(scratch: Scratch) -> None:
    scratch.call("release", "rollback", "--env", "dev", "cab")

    assert scratch.traffic("dev", "cab") == {"2": 100}
