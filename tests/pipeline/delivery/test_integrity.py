"""A delivery carries its model's digest, and refuses files that have another one."""

from dataclasses import replace

import pytest

from pipeline import manifest
from pipeline.delivery import history, record_object
from pipeline.gcp import artifact_registry
from tests.pipeline.delivery.conftest import recorded_cab
from tests.pipeline.delivery.deliveries import deliver, events
from tests.pipeline.delivery.stored_models import DAMAGE, DATA_DIGEST, push_stored, store_model

pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture
def model(pipelines, warm):
    """The model that the next run trains, in dev's bucket."""
    model = store_model(warm, "new")
    pipelines.details = model.details()
    return model


def test_the_record_names_the_digests_of_the_model_and_of_its_data(model, commit, warm):
    [verdict] = deliver(commit)

    delivery = recorded_cab(warm).current
    assert verdict.reason == f"version 1 serves, digest {model.digest[:12]}"
    assert delivery.model_digest == model.digest
    assert delivery.data_digest == DATA_DIGEST


def test_the_history_names_the_digest_that_the_record_names(model, commit, warm):
    deliver(commit)

    *_, change = history.read(warm, "cab")
    assert change.digests == {"1": model.digest}


def test_the_digest_travels_in_the_environment_of_the_version_s_server(model, commit, warm):
    deliver(commit)

    version = warm.vertex.Model(warm.names.registered_model("cab"), version="1")
    [variable] = version.container_spec.env
    assert variable.name == "ESTEIRA_MODEL_DIGEST"
    assert variable.value == model.digest


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_model_is_named_and_gets_no_traffic(
    model, served, commit, warm, endpoint, damage
):
    spoil, complaint = DAMAGE[damage]
    spoil(model)
    record = record_object.read(warm)

    [verdict] = deliver(commit)

    assert verdict.state == "failed"
    assert verdict.reason == (
        f"version 2 of cab ({model.uri}) is not the model with the digest {model.digest[:12]} "
        f"any more: {complaint}"
    )
    assert endpoint.shares() == served
    assert record_object.read(warm) == record
    assert list(endpoint.versions().values()) == ["1"]


def test_a_baseline_that_is_another_than_the_pushed_one_gets_no_traffic(
    model, served, commit, endpoint
):
    model.write("baseline.json", b"rowt")

    [verdict] = deliver(commit)

    assert verdict.reason == (
        f"version 2 of cab ({model.uri}) is not as it was pushed: "
        "baseline.json has another content than it was made with"
    )
    assert endpoint.shares() == served


def test_a_damaged_model_ends_the_verb_with_1_and_is_told_to_who_watches(
    google, model, served, commit, cli
):
    spoil, complaint = DAMAGE["one byte flipped"]
    spoil(model)

    result = cli("deliver", "--env", "dev", "--commit", commit, "--models", "cab", "--tag", "built")

    assert result.code == 1
    assert complaint in result.out
    assert events(google) == ["run_failed"]


def test_a_damaged_first_model_leaves_no_machine(model, commit, warm, endpoint):
    spoil, _ = DAMAGE["one byte flipped"]
    spoil(model)

    [verdict] = deliver(commit)

    assert verdict.state == "failed"
    assert endpoint.versions() == {}
    assert record_object.read(warm).models == {}


def test_a_damaged_model_with_a_share_of_the_traffic_loses_it(
    google, model, served, commit, warm, endpoint
):
    """An earlier call of the delivery was killed behind its first step."""
    spoil, _ = DAMAGE["one byte flipped"]
    [old_id] = served

    def run(job):
        pipelines_run(job)
        new_id = endpoint.deployed()["2"]
        endpoint.split({old_id: 50, new_id: 50})
        spoil(model)

    pipelines_run, google.on_pipeline_job = google.on_pipeline_job, run

    deliver(commit)

    *_, change = history.read(warm, "cab")
    assert endpoint.shares() == {old_id: 100}
    assert endpoint.versions() == {old_id: "1"}
    assert change.cause == "taken back"


def test_a_model_whose_manifest_was_rewritten_is_not_the_run_s(
    model, served, commit, endpoint, tmp_path
):
    """Files and manifest agree with each other, and with nothing else."""
    other_file = tmp_path / "saved_model.pb"
    other_file.write_bytes(b"another graph")
    other_manifest = manifest.write(tmp_path, manifest.inside(tmp_path))
    for path in model.paths():
        model.remove(path)
    model.write("saved_model.pb", b"another graph")
    model.write(manifest.NAME, manifest.inside(tmp_path).read_bytes())

    [verdict] = deliver(commit)

    assert f"its files have the digest {other_manifest.digest[:12]}" in verdict.reason
    assert endpoint.shares() == served


def test_a_version_of_another_digest_than_its_run_s_is_refused(
    model, served, commit, warm, endpoint
):
    images = artifact_registry.by_tag(warm, "built", commit)
    push_stored(replace(model, digest="e" * 64), images)

    [verdict] = deliver(commit)

    assert verdict.reason == (
        "version 2 of cab is another model than it was: the run names the digest "
        f"{model.digest[:12]}, the model registry eeeeeeeeeeee"
    )
    assert endpoint.shares() == served


@pytest.mark.parametrize("removed", ["manifest.json", "all"])
def test_a_model_without_its_manifest_or_any_file_is_refused(
    model, served, commit, endpoint, removed
):
    for path in model.paths():
        if removed in ("all", path):
            model.remove(path)

    [verdict] = deliver(commit)

    assert verdict.state == "failed"
    assert "manifest.json is missing" in verdict.reason or "no files any more" in verdict.reason
    assert endpoint.shares() == served


@pytest.mark.parametrize("name", ["../../../../../escaped", "/tmp/escaped"])
def test_an_object_whose_name_leads_out_of_its_folder_is_not_fetched(
    model, served, commit, endpoint, name
):
    model.write(name, b"")

    [verdict] = deliver(commit)

    assert f"an object is named {name}, allowed is a path below its folder" in verdict.reason
    assert endpoint.shares() == served


def test_a_version_from_before_digests_is_delivered_and_said_to_be_unverified(
    pipelines, commit, warm, capsys
):
    [verdict] = deliver(commit)

    delivery = recorded_cab(warm).current
    assert verdict.state == "delivered"
    assert verdict.reason == "version 1 serves, unverified"
    assert delivery.model_digest is None
    assert "version 1 of cab is unverified" in capsys.readouterr().err


def test_the_history_of_a_version_from_before_digests_shows_it_as_unverified(
    pipelines, commit, warm, cli
):
    deliver(commit)

    result = cli("release", "history", "--env", "dev", "cab")

    assert "1: 100 % (unverified)" in result.out
