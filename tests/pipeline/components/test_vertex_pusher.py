"""The cloud's Pusher, by Google's own client against the stand-in of its APIs.

It makes versions of one entry, on the endpoint that exists.
"""

from dataclasses import replace

import pytest

from environments import DEV
from pipeline.components.vertex_pusher import push
from pipeline.errors import RunError
from pipeline.gcp.clients import vertex
from pipeline.spec import VertexDestination

DESTINATION = VertexDestination(
    project=DEV.project_id,
    region=DEV.region,
    endpoint=DEV.names.endpoint("cab"),
    registered_model=DEV.names.registered_model("cab"),
    serving_image="us-docker.pkg.dev/p/images/serving@sha256:" + "0" * 64,
    machine_type="n1-standard-2",
    min_replicas=1,
    max_replicas=2,
    service_account=DEV.names.service_account_email("server"),
)


@pytest.fixture
def google(google):
    """Google's APIs, with the endpoint of cab."""
    client = vertex(DEV.project_id, DEV.region)
    client.Endpoint.create(display_name="dev-cab", endpoint_id=DESTINATION.endpoint)
    return google


def dev_endpoint():
    """The destination's endpoint, by Google's client."""
    client = vertex(DEV.project_id, DEV.region)
    return client.Endpoint(DESTINATION.endpoint)


def traffic() -> dict[str, int]:
    """Percent of the traffic by version, without versions at zero."""
    endpoint = dev_endpoint()
    versions = {deployed.id: deployed.model_version_id for deployed in endpoint.list_models()}
    percents = {id_: percent for id_, percent in endpoint.traffic_split.items() if percent}
    return {versions[id_]: percent for id_, percent in percents.items()}


def test_the_first_version_takes_all_the_traffic_because_vertex_gives_it(google):
    version, new = push("gs://b/model/1", DESTINATION)

    assert version.version_id == "1"
    assert new is True
    assert version.resource_name.endswith(f"/models/{DESTINATION.registered_model}")
    assert traffic() == {"1": 100}


def test_the_next_version_joins_the_same_entry_without_traffic(google):
    push("gs://b/model/1", DESTINATION)

    version, new = push("gs://b/model/2", DESTINATION)

    deployed_versions = {deployed.model_version_id for deployed in dev_endpoint().list_models()}
    assert version.version_id == "2"
    assert new is True
    assert traffic() == {"1": 100}
    assert deployed_versions == {"1", "2"}


def test_the_same_model_is_never_pushed_twice(google):
    push("gs://b/model/1", DESTINATION)
    first_objects = dict(google.objects)

    version, new = push("gs://b/model/1", DESTINATION)

    assert version.version_id == "1"
    assert new is False
    assert dict(google.objects) == first_objects


def test_a_version_that_was_uploaded_and_not_deployed_is_deployed_by_the_next_try(google):
    """As after the death of a node between the two."""
    first, _ = push("gs://b/model/1", DESTINATION)
    dev_endpoint().undeploy_all()

    version, new = push("gs://b/model/1", DESTINATION)

    assert version.version_id == first.version_id
    assert new is False
    assert traffic() == {"1": 100}


def test_a_model_is_served_by_the_servers_account_on_the_stages_machines(google):
    push("gs://b/model/1", DESTINATION)

    deployed = only_deployed_model(google)
    assert deployed["serviceAccount"] == DESTINATION.service_account
    machines = deployed["dedicatedResources"]
    machine = machines["machineSpec"]
    assert machine["machineType"] == "n1-standard-2"
    assert machines["minReplicaCount"] == 1
    assert machines["maxReplicaCount"] == 2


def only_deployed_model(google):
    """The stand-in's entry for the endpoint's only deployed model."""
    for (_, name), body in google.objects.items():
        if name.endswith(f"/endpoints/{DESTINATION.endpoint}"):
            [deployed] = body["deployedModels"]
            return deployed
    raise AssertionError("there is no endpoint")


def test_a_missing_endpoint_fails_the_push_and_nothing_is_made(google):
    elsewhere = replace(DESTINATION, endpoint="1234567890")

    with pytest.raises(RunError, match="there is no endpoint 1234567890"):
        push("gs://b/model/1", elsewhere)

    models = [name for _, name in google.objects if "/models/" in name]
    assert models == []
