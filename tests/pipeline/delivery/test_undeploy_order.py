"""Every model on an endpoint goes, with all its copies, in the order allowed by Vertex."""

from dataclasses import replace

import pytest

from pipeline.components import vertex_pusher
from pipeline.delivery import deployment, history, leftovers, withdrawal
from pipeline.errors import RunError
from pipeline.gcp import model_registry
from pipeline.gcp.stage import Stage
from settings import Serving
from tests.pipeline.delivery.conftest import DEV, FIRST, add_delivery, push_version

COLD = replace(DEV, serving=Serving())
SILENT = lambda *_: None  # noqa: E731


@pytest.fixture
def cold() -> Stage:
    return Stage(COLD)


@pytest.fixture
def rolled_back(google, cold, endpoint) -> dict[str, str]:
    """Two versions; the older one has all the traffic again."""
    for number in ("1", "2"):
        push_version(cold, number)
    ids = endpoint.deployed()
    endpoint.split({ids["1"]: 100})
    return ids


@pytest.fixture
def twins(google, cold, endpoint) -> list[str]:
    """The ids of one version's two deployed models, as after two builds at once."""
    push_version(cold, "1")
    resource = model_registry.registered(cold, "cab", "1")
    destination = deployment.destination(cold, "cab", FIRST.images)
    vertex_pusher.deploy(resource, endpoint.resource, destination)
    ids = list(endpoint.versions())
    assert len(ids) == 2
    return ids


def test_a_stage_that_is_no_longer_kept_warm_is_swept_after_a_rollback(rolled_back, cold, endpoint):
    leftovers.sweep(cold, "cab", SILENT)

    assert endpoint.versions() == {}


def test_a_retired_model_goes_after_a_rollback(rolled_back, cold, endpoint):
    add_delivery(cold, "cab", FIRST)

    ids = withdrawal.retire(cold, "cab", SILENT)

    assert ids == [rolled_back["2"], rolled_back["1"]]
    assert endpoint.versions() == {}


def test_a_version_with_all_the_traffic_is_a_sentence_while_others_are_there(rolled_back, endpoint):
    id_ = rolled_back["1"]

    with pytest.raises(RunError, match=f"{id_} has all the traffic and does not go before"):
        endpoint.undeploy(id_)


def test_both_copies_of_a_version_are_swept(twins, cold, endpoint):
    leftovers.sweep(cold, "cab", SILENT)

    assert endpoint.versions() == {}


def test_both_copies_of_a_version_are_retired(twins, cold, endpoint):
    add_delivery(cold, "cab", FIRST)

    ids = withdrawal.retire(cold, "cab", SILENT)

    assert sorted(ids) == sorted(twins)
    assert endpoint.versions() == {}


def test_the_copy_without_traffic_is_given_up(twins, cold, endpoint):
    [serving_id] = endpoint.shares()

    ids = withdrawal.undeploy(cold, "cab", 0, SILENT)

    assert [*ids, serving_id] == sorted(twins, key=lambda id_: id_ == serving_id)
    assert list(endpoint.versions()) == [serving_id]


def test_the_history_adds_up_what_both_copies_have(twins, cold, endpoint):
    first_id, second_id = twins
    endpoint.split({first_id: 30, second_id: 70})

    history.append(endpoint, "release")

    [change] = history.read(cold, "cab")
    assert change.shares == {"1": 100}
