"""The moves after a delivery.

One call back, a fresh server for the same model, and machines given up.
"""

from dataclasses import replace

import pytest

from pipeline.delivery import releases, withdrawal
from tests.pipeline.conftest import parsed
from tests.pipeline.delivery.conftest import (
    DEV,
    FIRST,
    add_delivery,
    edit_record,
    push_version,
    recorded_cab,
)

pytestmark = pytest.mark.usefixtures("quick")
SILENT = lambda *_: None  # noqa: E731


@pytest.fixture
def two(blob, warm, endpoint, images):
    """Versions 1 and 2 on dev's endpoint, the newer one with all the traffic.

    The record names both.
    """
    ids = {version: push_version(warm, version, images) for version in ("1", "2")}
    endpoint.split({ids["2"]: 100})
    for version, id_ in ids.items():
        commit = version * 40
        served = replace(FIRST, commit=commit, images=images, registry_version=version)
        delivery = replace(served, deployed_model=id_)
        add_delivery(warm, "cab", delivery)
    edit_record(warm, images=images)
    return ids


def test_a_rollback_gives_the_version_before_all_the_traffic_in_one_call(two, warm, cli):
    result = cli("release", "rollback", "--env", "dev", "cab", "--json")

    model = recorded_cab(warm)
    assert result.code == 0
    assert parsed(result) == {
        "model": "cab",
        "version": "1",
        "commit": "1" * 40,
        "model_digest": None,
    }
    assert model.current.registry_version == "1"
    assert model.before.registry_version == "2"


def test_a_rollback_moves_the_traffic_back(two, warm, endpoint):
    withdrawal.rollback(warm, "cab", SILENT)

    assert endpoint.shares() == {two["1"]: 100}


def test_a_rollback_deploys_a_version_that_left_its_machines(two, warm, endpoint):
    endpoint.undeploy(two["1"])

    delivery = withdrawal.rollback(warm, "cab", SILENT)

    ids = endpoint.deployed()
    assert delivery.deployed_model == ids["1"]
    assert endpoint.shares() == {ids["1"]: 100}


def test_there_is_no_way_back_from_a_first_version(google, blob, warm, cli):
    add_delivery(warm, "cab", FIRST)

    result = cli("release", "rollback", "--env", "dev", "cab")

    assert result.code == 2
    assert "cab has version 1 in dev and none before to go back to" in result.sentence


def test_what_was_never_delivered_can_t_be_moved(google, blob, cli):
    result = cli("release", "rollback", "--env", "dev", "nosuch")

    assert result.code == 2
    assert "there is no model 'nosuch' delivered to dev, allowed are none yet" in result.sentence


def test_undeploy_spares_what_has_traffic_and_the_newest_without(two, warm, endpoint, images):
    push_version(warm, "3", images)

    removed_ids = withdrawal.undeploy(warm, "cab", 1, SILENT)

    deployed_versions = sorted(endpoint.deployed())
    model = recorded_cab(warm)
    assert removed_ids == [two["1"]]
    assert deployed_versions == ["2", "3"]
    assert model.before.deployed_model is None


def test_undeploy_refuses_a_number_below_nothing(two, cli):
    result = cli("release", "undeploy", "--env", "dev", "cab", "--keep", "-1")

    assert result.code == 2
    assert "--keep is -1, allowed is 0 or more" in result.sentence


def test_a_refresh_serves_the_same_model_behind_the_newest_serving_image(
    google, two, warm, endpoint, images
):
    image = DEV.names.image("serving")
    newer_digest = google.registry.put_image(image, revision="c" * 40, tag="newer")
    newer_images = replace(images, serving=newer_digest)
    edit_record(warm, images=newer_images)

    fresh = releases.refresh(warm, "cab", SILENT)

    name = DEV.names.registered_model("cab")
    model = warm.vertex.Model(name, version="3")
    ids = endpoint.deployed()
    assert fresh.registry_version == "3"
    assert model.uri == "gs://b/models/2"
    assert model.container_spec.image_uri.endswith(newer_digest)
    assert endpoint.shares() == {ids["3"]: 100}


def test_a_refresh_without_a_newer_image_does_nothing(two, cli):
    result = cli("release", "refresh", "--env", "dev", "cab")

    assert result.code == 0
    assert result.out.strip() == "cab has the newest serving image already"
