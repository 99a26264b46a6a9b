"""The moves after a delivery.

Promotion of what passed, one call back, a fresh server for the same model, and machines given up.
"""

from dataclasses import replace

import pytest

from environments import ENVIRONMENTS
from pipeline.delivery import deployment, git, promotion, record_object, releases, withdrawal
from pipeline.delivery.record import EMPTY, Images, delivered
from pipeline.delivery.rollout import Rollout
from pipeline.errors import ConfigurationError, RunError
from pipeline.gcp import artifact_registry, modules
from pipeline.gcp.clients import storage, vertex
from pipeline.gcp.stage import Stage
from pipeline.model.folder import ModelFolder
from settings import REPOSITORY, Serving
from tests.pipeline.conftest import parsed
from tests.pipeline.delivery.conftest import DEV, FIRST, listen, promotions
from tests.pipeline.delivery.ended_jobs import Vertex

SERVING = Serving(keep_warm=True, step_minutes=0, traffic_steps=(50, 100))
WARM = replace(DEV, serving=SERVING)
STAGING = replace(ENVIRONMENTS["staging"], serving=SERVING)
pytestmark = pytest.mark.usefixtures("quick")
SILENT = lambda *_: None  # noqa: E731


@pytest.fixture
def images(google) -> Images:
    """Two images in dev's registry."""
    return Images(
        **{
            target: google.registry.put_image(DEV.names.image(target), revision="c" * 40)
            for target in artifact_registry.TARGETS
        }
    )


@pytest.fixture
def two(google, blob, images):
    """Versions 1 and 2 on dev's endpoint, the newer one with all the traffic.

    The record names both.
    """
    endpoint = releases.endpoint_of(Stage(WARM), "cab")
    for number in ("1", "2"):
        releases.vertex_pusher.push(
            f"gs://b/models/{number}", deployment.destination(Stage(WARM), "cab", images)
        )
    ids = endpoint.deployed()
    endpoint.split({ids["2"]: 100})
    record_object.update(
        Stage(WARM), lambda record: replace(recorded(record, ids, images), images=images)
    )
    return ids


def recorded(record, ids, images):
    for number in ("1", "2"):
        version = replace(
            FIRST,
            commit=number * 40,
            images=images,
            registry_version=number,
            deployed_model=ids[number],
        )
        record = delivered(record, "cab", version)
    return record


def test_a_rollback_gives_the_version_before_all_the_traffic_in_one_call(two, cli):
    result = cli("release", "rollback", "--env", "dev", "cab", "--json")

    assert result.code == 0
    assert parsed(result) == {"model": "cab", "version": "1", "commit": "1" * 40}
    record = record_object.read(Stage(WARM)).models["cab"]
    assert record.current.registry_version == "1"
    assert record.before.registry_version == "2"


def test_a_rollback_moves_the_traffic_back(two):
    withdrawal.rollback(Stage(WARM), "cab", SILENT)

    assert releases.endpoint_of(Stage(WARM), "cab").shares() == {two["1"]: 100}


def test_a_rollback_deploys_a_version_that_left_its_machines(two):
    releases.endpoint_of(Stage(WARM), "cab").undeploy(two["1"])

    back = withdrawal.rollback(Stage(WARM), "cab", SILENT)

    endpoint = releases.endpoint_of(Stage(WARM), "cab")
    assert endpoint.shares() == {endpoint.deployed()["1"]: 100} == {back.deployed_model: 100}


def test_there_is_no_way_back_from_a_first_version(google, blob, cli):
    record_object.update(Stage(WARM), lambda record: delivered(record, "cab", FIRST))

    result = cli("release", "rollback", "--env", "dev", "cab")

    assert result.code == 2
    assert "cab has version 1 in dev and none before to go back to" in result.sentence


def test_what_was_never_delivered_can_t_be_moved(google, blob, cli):
    result = cli("release", "rollback", "--env", "dev", "nosuch")

    assert result.code == 2
    assert "there is no model 'nosuch' delivered to dev, allowed are none yet" in result.sentence


def test_undeploy_spares_what_has_traffic_and_the_newest_without(two, images):
    releases.vertex_pusher.push(
        "gs://b/models/3", deployment.destination(Stage(WARM), "cab", images)
    )
    ids = releases.endpoint_of(Stage(WARM), "cab").deployed()

    removed_ids = withdrawal.undeploy(Stage(WARM), "cab", 1, SILENT)

    assert removed_ids == [ids["1"]]
    assert set(releases.endpoint_of(Stage(WARM), "cab").deployed()) == {"2", "3"}
    assert record_object.read(Stage(WARM)).models["cab"].before.deployed_model is None


def test_undeploy_refuses_a_number_below_nothing(two, cli):
    result = cli("release", "undeploy", "--env", "dev", "cab", "--keep", "-1")

    assert result.code == 2
    assert "--keep is -1, allowed is 0 or more" in result.sentence


def test_a_refresh_serves_the_same_model_behind_the_newest_serving_image(google, two):
    newer = google.registry.put_image(DEV.names.image("serving"), revision="c" * 40, tag="newer")
    record_object.update(
        Stage(WARM), lambda record: replace(record, images=replace(record.images, serving=newer))
    )

    fresh = releases.refresh(Stage(WARM), "cab", SILENT)

    model = vertex(WARM.project_id, WARM.region).Model(
        WARM.names.registered_model("cab"), version="3"
    )
    assert fresh.registry_version == "3"
    assert model.uri == "gs://b/models/2"
    assert model.container_spec.image_uri.endswith(newer)
    endpoint = releases.endpoint_of(Stage(WARM), "cab")
    assert endpoint.shares() == {endpoint.deployed()["3"]: 100}


def test_a_refresh_without_a_newer_image_does_nothing(two, cli):
    result = cli("release", "refresh", "--env", "dev", "cab")

    assert result.code == 0
    assert result.out.strip() == "cab has the newest serving image already"


@pytest.fixture
def passed(google, store, blob, images, monkeypatch):
    """The cab model of this checkout, delivered to dev, and staging ready to take it."""
    commit = git.commit(REPOSITORY, "HEAD")
    storage(STAGING.project_id).create_bucket(STAGING.names.bucket("artifacts"))
    vertex(STAGING.project_id, STAGING.region).Endpoint.create(
        display_name="staging-cab", endpoint_id=STAGING.names.endpoint("cab")
    )
    listen(google, ENVIRONMENTS["prod"])
    google.main = lambda: commit
    uris = modules.addresses(ModelFolder.load("cab"), Stage(WARM))
    delivery = replace(FIRST, commit=commit, images=images, modules=uris)
    record_object.update(Stage(WARM), lambda record: delivered(record, "cab", delivery))
    return delivery


def rollout(commit):
    """From dev into staging, with prod to follow."""
    followers = (Stage(ENVIRONMENTS["prod"]),)
    return Rollout(Stage(STAGING), Stage(WARM), followers, commit, SILENT)


def promote(commit, models=("cab",)):
    return promotion.promote(rollout(commit), Stage(WARM), list(models))


def test_a_promotion_trains_the_same_modules_in_the_same_image_and_asks_the_next_stage(
    google, passed
):
    pipelines = Vertex(google)

    [verdict] = promote(passed.commit)

    assert verdict.state == "delivered"
    assert len(pipelines.jobs) == 1
    current = record_object.read(Stage(STAGING)).models["cab"].current
    assert current.images == passed.images
    assert [uri.rsplit("/", 2)[1:] for uri in current.modules.values()] == [
        uri.rsplit("/", 2)[1:] for uri in passed.modules.values()
    ]
    assert all(
        uri.startswith("gs://mill-staging-staging-artifacts/") for uri in current.modules.values()
    )
    for target in artifact_registry.TARGETS:
        assert (
            artifact_registry.Image(Stage(STAGING), target)
            .ask("GET", f"manifests/{getattr(passed.images, target)}")
            .ok
        )
    assert promotions(google) == [(passed.commit, "cab")]


def test_what_a_stage_has_in_the_same_images_is_trained_anew_and_what_it_has_not_is_promoted(
    google, passed
):
    def there():
        return promotion.has_all(rollout(passed.commit), Stage(WARM), ["cab"])

    Vertex(google)
    first_answer = there()
    promote(passed.commit)
    second_answer = there()
    other_images = replace(passed, images=replace(passed.images, pipeline=f"sha256:{'9' * 64}"))
    record_object.update(Stage(WARM), lambda record: delivered(record, "cab", other_images))

    assert first_answer is False
    assert second_answer is True
    assert there() is False


def test_images_are_copied_once(google, passed):
    Vertex(google)
    promote(passed.commit)
    uploads = len([request for request in google.requests if "/blobs/uploads/" in request.path])

    promote(passed.commit)

    assert uploads
    assert (
        len([request for request in google.requests if "/blobs/uploads/" in request.path])
        == uploads
    )


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"smoke": False}, "cab has not passed in dev: smoke"),
        ({"blessed": False}, "cab has not passed in dev: blessed"),
        ({"run_succeeded": False}, "cab has not passed in dev: run_succeeded"),
        ({"traffic_steps": (50,)}, r"cab has not passed in dev: traffic steps \[100\]"),
    ],
)
def test_what_has_not_passed_is_not_promoted(google, passed, change, says):
    pipelines = Vertex(google)
    half = replace(passed, passed=replace(passed.passed, **{"traffic_steps": (50, 100)} | change))
    record_object.update(Stage(WARM), lambda _: delivered(EMPTY, "cab", half))

    with pytest.raises(RunError, match=says):
        promote(passed.commit)
    assert pipelines.jobs == []
    assert record_object.read(Stage(STAGING)) == EMPTY


def test_what_the_stage_before_has_of_another_commit_is_not_promoted(google, passed):
    record_object.update(
        Stage(WARM),
        lambda record: delivered(
            record, "cab", replace(passed, commit="e" * 40, registry_version="9")
        ),
    )

    with pytest.raises(
        ConfigurationError,
        match=f"dev has cab of {'e' * 12}, allowed is what --commit names, {passed.commit[:12]}",
    ):
        promote(passed.commit)


def test_modules_that_differ_from_what_was_delivered_are_not_promoted(google, passed):
    modules = {
        **passed.modules,
        "model.py": passed.modules["model.py"].replace("/model.py", "x/model.py"),
    }
    record_object.update(
        Stage(WARM), lambda record: delivered(record, "cab", replace(passed, modules=modules))
    )

    with pytest.raises(RunError, match=r"cab: model.py of the checkout is not what dev delivered"):
        promote(passed.commit)


def test_the_first_stage_promotes_from_none(cli):
    result = cli("release", "promote", "--env", "dev", "--commit", "a" * 40, "--models", "cab")

    assert result.code == 2
    assert "--env is 'dev', which promotes from no other" in result.sentence
