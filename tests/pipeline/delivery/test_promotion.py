"""Promotion trains what passed in one stage for the next, from the same modules and images."""

from dataclasses import replace

import pytest

from environments import ENVIRONMENTS
from pipeline.delivery import promotion, record_object
from pipeline.delivery.record import EMPTY, delivered
from pipeline.delivery.rollout import Rollout
from pipeline.errors import ConfigurationError, RunError
from pipeline.gcp import artifact_registry, modules
from pipeline.gcp.clients import storage, vertex
from pipeline.gcp.endpoints import endpoint_of
from pipeline.gcp.stage import Stage
from pipeline.model.folder import ModelFolder
from tests.pipeline.delivery.conftest import (
    FIRST,
    STAGING,
    WARM,
    add_delivery,
    listen,
    promotions,
    recorded_cab,
    write_record,
)
from tests.pipeline.delivery.ended_jobs import Vertex
from tests.pipeline.delivery.stored_models import DAMAGE, DATA_DIGEST, store_model

WARM_STAGING = replace(STAGING, serving=WARM.serving)
PROD = ENVIRONMENTS["prod"]
OTHER_COMMIT = "e" * 40
OTHER_DIGEST = f"sha256:{'9' * 64}"
pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture
def staging():
    return Stage(WARM_STAGING)


@pytest.fixture
def delivery(google, blob, warm, commit, images):
    """The cab model of this checkout, delivered to dev, and staging ready to take it."""
    bucket = STAGING.names.bucket("artifacts")
    endpoint_id = STAGING.names.endpoint("cab")
    storage(STAGING.project_id).create_bucket(bucket)
    aiplatform = vertex(STAGING.project_id, STAGING.region)
    aiplatform.Endpoint.create(display_name="staging-cab", endpoint_id=endpoint_id)
    listen(google, PROD)
    google.main = lambda: commit
    folder = ModelFolder.load("cab")
    uris = modules.addresses(folder, warm)
    delivery = replace(FIRST, commit=commit, images=images, modules=uris)
    add_delivery(warm, "cab", delivery)
    return delivery


def new_rollout(commit):
    """From dev into staging, with prod to follow."""
    stage, source, follower = Stage(WARM_STAGING), Stage(WARM), Stage(PROD)
    return Rollout(stage, source, (follower,), commit, lambda *_: None)


def promote(commit):
    rollout = new_rollout(commit)
    return promotion.promote(rollout, rollout.source, ["cab"])


def has_all(commit):
    rollout = new_rollout(commit)
    return promotion.has_all(rollout, rollout.source, ["cab"])


def contents(delivery):
    """The end of each module's URI: a digest of the content, and the file's name."""
    uris = delivery.modules.values()
    return [uri.rsplit("/", 2)[1:] for uri in uris]


def uploads(google):
    """The paths of the requests with a part of an image."""
    paths = [request.path for request in google.requests]
    return [path for path in paths if "/blobs/uploads/" in path]


def test_a_promotion_trains_the_same_modules_in_the_same_image_and_asks_the_next_stage(
    google, delivery, staging
):
    pipelines = Vertex(google)

    [verdict] = promote(delivery.commit)

    assert verdict.state == "delivered"
    assert len(pipelines.jobs) == 1
    current = recorded_cab(staging).current
    assert current.images == delivery.images
    assert contents(current) == contents(delivery)
    for uri in current.modules.values():
        assert uri.startswith("gs://mill-staging-staging-artifacts/")
    for target in artifact_registry.TARGETS:
        image = artifact_registry.Image(staging, target)
        digest = getattr(delivery.images, target)
        response = image.ask("GET", f"manifests/{digest}")
        assert response.ok
    assert promotions(google) == [(delivery.commit, "cab")]


def test_what_a_stage_has_in_the_same_images_is_trained_anew_and_what_it_has_not_is_promoted(
    google, delivery, warm
):
    Vertex(google)
    other_images = replace(delivery.images, pipeline=OTHER_DIGEST)
    other_delivery = replace(delivery, images=other_images)

    at_first = has_all(delivery.commit)
    promote(delivery.commit)
    after_promotion = has_all(delivery.commit)
    add_delivery(warm, "cab", other_delivery)
    in_other_images = has_all(delivery.commit)

    assert at_first is False
    assert after_promotion is True
    assert in_other_images is False


def test_a_promotion_records_the_digest_of_its_own_model(google, delivery, staging):
    model = store_model(staging, "promoted")
    Vertex(google).details = model.details()

    promote(delivery.commit)

    current = recorded_cab(staging).current
    assert current.model_digest == model.digest
    assert current.data_digest == DATA_DIGEST


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_model_is_not_promoted(google, delivery, staging, damage):
    spoil, complaint = DAMAGE[damage]
    model = store_model(staging, "promoted")
    Vertex(google).details = model.details()
    spoil(model)

    [verdict] = promote(delivery.commit)

    endpoint = endpoint_of(staging, "cab")
    assert verdict.state == "failed"
    assert verdict.reason.endswith(f"any more: {complaint}")
    assert endpoint.shares() == {}
    assert record_object.read(staging) == EMPTY
    assert promotions(google) == []


def test_images_are_copied_once(google, delivery):
    Vertex(google)
    promote(delivery.commit)
    first_uploads = uploads(google)

    promote(delivery.commit)

    assert first_uploads
    assert uploads(google) == first_uploads


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"smoke": False}, "cab has not passed in dev: smoke"),
        ({"blessed": False}, "cab has not passed in dev: blessed"),
        ({"run_succeeded": False}, "cab has not passed in dev: run_succeeded"),
        ({"traffic_steps": (50,)}, r"cab has not passed in dev: traffic steps \[100\]"),
    ],
)
def test_what_has_not_passed_is_not_promoted(google, delivery, warm, staging, change, says):
    pipelines = Vertex(google)
    checks = {"traffic_steps": (50, 100)} | change
    passed = replace(delivery.passed, **checks)
    half = replace(delivery, passed=passed)
    record = delivered(EMPTY, "cab", half)
    write_record(warm, record)

    with pytest.raises(RunError, match=says):
        promote(delivery.commit)
    assert pipelines.jobs == []
    assert record_object.read(staging) == EMPTY


def test_what_the_stage_before_has_of_another_commit_is_not_promoted(delivery, warm):
    newer_delivery = replace(delivery, commit=OTHER_COMMIT, registry_version="9")
    add_delivery(warm, "cab", newer_delivery)
    commits = f"dev has cab of {OTHER_COMMIT[:12]}, allowed is what --commit names"

    with pytest.raises(ConfigurationError, match=f"{commits}, {delivery.commit[:12]}"):
        promote(delivery.commit)


def test_modules_that_differ_from_what_was_delivered_are_not_promoted(delivery, warm):
    uri = delivery.modules["model.py"]
    other_uri = uri.replace("/model.py", "x/model.py")
    other_modules = delivery.modules | {"model.py": other_uri}
    other_delivery = replace(delivery, modules=other_modules)
    add_delivery(warm, "cab", other_delivery)

    with pytest.raises(RunError, match=r"cab: model.py of the checkout is not what dev delivered"):
        promote(delivery.commit)


def test_the_first_stage_promotes_from_none(cli):
    commit = ("--commit", OTHER_COMMIT)

    result = cli("release", "promote", "--env", "dev", *commit, "--models", "cab")

    assert result.code == 2
    assert "--env is 'dev', which promotes from no other" in result.sentence
