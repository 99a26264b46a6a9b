"""A rollback and a refresh look at the files of what was delivered."""

from dataclasses import replace

import pytest

from pipeline.delivery import record_object, releases, withdrawal
from pipeline.delivery.integrity import DifferentError
from pipeline.gcp import model_registry
from tests.pipeline.conftest import parsed
from tests.pipeline.delivery.conftest import (
    DEV,
    FIRST,
    add_delivery,
    edit_record,
    push_version,
    recorded_cab,
)
from tests.pipeline.delivery.stored_models import DAMAGE, push_stored, store_model

pytestmark = pytest.mark.usefixtures("quick")
SILENT = lambda *_: None  # noqa: E731
ROLLBACK = ("release", "rollback", "--env", "dev", "cab")


@pytest.fixture
def models(warm, endpoint, images):
    """Versions 1 and 2 by their models; the newer one has all the traffic."""
    models = {}
    for name in ("1", "2"):
        model = store_model(warm, name)
        id_ = push_stored(model, images)
        delivery = replace(
            FIRST,
            commit=name * 40,
            images=images,
            registry_version=name,
            deployed_model=id_,
            model_digest=model.digest,
            data_digest=name * 64,
        )
        add_delivery(warm, "cab", delivery)
        models[name] = model
    endpoint.split({id_: 100})
    edit_record(warm, images=images)
    return models


def record_before(stage, **fields):
    """Replace these fields of the delivery that a rollback goes back to."""
    model = recorded_cab(stage)
    before = replace(model.before, **fields)
    new_model = replace(model, before=before)
    edit_record(stage, models={"cab": new_model})


@pytest.fixture
def newer_image(google, models, warm, images):
    """The digest of a serving image that the record names and version 2 does not have."""
    name = DEV.names.image("serving")
    digest = google.registry.put_image(name, revision="c" * 40, tag="newer")
    edit_record(warm, images=replace(images, serving=digest))
    return digest


def test_a_rollback_tells_the_digest_that_serves_again(models, warm, cli):
    result = cli(*ROLLBACK, "--json")

    answer, delivery = parsed(result), recorded_cab(warm).current
    digest = models["1"].digest
    assert answer["model_digest"] == digest
    assert delivery.model_digest == digest


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_rollback_to_a_damaged_version_names_the_file_and_moves_nothing(
    models, warm, endpoint, damage
):
    spoil, complaint = DAMAGE[damage]
    spoil(models["1"])
    record, shares = record_object.read(warm), endpoint.shares()

    with pytest.raises(DifferentError, match=f"any more: {complaint}$"):
        withdrawal.rollback(warm, "cab", SILENT)

    assert endpoint.shares() == shares
    assert record_object.read(warm) == record


def test_a_rollback_to_another_digest_than_the_recorded_one_moves_nothing(models, warm, endpoint):
    record_before(warm, model_digest="e" * 64)
    shares = endpoint.shares()

    with pytest.raises(DifferentError, match="names the digest eeeeeeeeeeee, the model registry"):
        withdrawal.rollback(warm, "cab", SILENT)

    assert endpoint.shares() == shares


@pytest.mark.parametrize("lost", ["manifest.json", "every file"])
def test_a_rollback_is_not_refused_for_a_lost_proof(models, warm, endpoint, capsys, lost):
    model = models["1"]
    for path in model.paths():
        if lost in ("every file", path):
            model.remove(path)

    withdrawal.rollback(warm, "cab", SILENT)

    deployed_ids = endpoint.deployed()
    assert "cab goes back unverified: version 1 of cab" in capsys.readouterr().err
    assert endpoint.shares() == {deployed_ids["1"]: 100}


def test_a_rollback_to_a_version_from_before_digests_is_said_to_be_unverified(
    models, warm, endpoint, images, cli
):
    old_id = push_version(warm, "older", images)
    record_before(warm, registry_version="3", deployed_model=old_id, model_digest=None)

    result = cli(*ROLLBACK)

    assert result.code == 0
    assert "version 3 of cab is unverified" in result.err
    assert result.out.strip().endswith(", unverified")
    assert recorded_cab(warm).current.registry_version == "3"


def test_a_rollback_goes_by_a_record_of_the_second_version(models, warm, endpoint, cli):
    """The record names no digests; the model registry does."""
    record_before(warm, model_digest=None)
    spoil, complaint = DAMAGE["one byte flipped"]
    spoil(models["1"])

    result = cli(*ROLLBACK)

    assert result.code == 1
    assert complaint in result.sentence


def test_a_refresh_carries_the_digests_to_the_new_version(newer_image, models, warm):
    releases.refresh(warm, "cab", SILENT)

    delivery = recorded_cab(warm).current
    version = model_registry.registered(warm, "cab", "3")
    digest = models["2"].digest
    assert model_registry.digest(version) == digest
    assert delivery.model_digest == digest
    assert delivery.data_digest == "2" * 64


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_refresh_of_a_damaged_model_names_the_file_and_registers_nothing(
    newer_image, models, warm, endpoint, damage
):
    spoil, complaint = DAMAGE[damage]
    spoil(models["2"])
    record, shares = record_object.read(warm), endpoint.shares()

    with pytest.raises(DifferentError, match=f"any more: {complaint}$"):
        releases.refresh(warm, "cab", SILENT)

    registry = warm.vertex.models.ModelRegistry(warm.names.registered_model("cab"))
    versions = [info.version_id for info in registry.list_versions()]
    assert versions == ["1", "2"]
    assert endpoint.shares() == shares
    assert record_object.read(warm) == record


@pytest.mark.parametrize(("action", "version"), [("rollback", "1"), ("refresh", "2")])
def test_a_damaged_version_ends_the_verb_with_1(newer_image, models, cli, action, version):
    spoil, complaint = DAMAGE["one byte flipped"]
    spoil(models[version])

    result = cli("release", action, "--env", "dev", "cab")

    assert result.code == 1
    assert complaint in result.sentence
