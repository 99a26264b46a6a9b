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
from tests.standins.google.apis import GoogleApis

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
def google(monkeypatch):
    with GoogleApis() as apis:
        for name, value in apis.environment().items():
            monkeypatch.setenv(name, value)
        aiplatform = vertex(DEV.project_id, DEV.region)
        aiplatform.Endpoint.create(display_name="dev-cab", endpoint_id=DESTINATION.endpoint)
        yield apis


def deployment():
    """The endpoint as it is now."""
    aiplatform = vertex(DEV.project_id, DEV.region)
    return aiplatform.Endpoint(DESTINATION.endpoint)


def traffic() -> dict[str, int]:
    """Percent of the traffic by version."""
    endpoint = deployment()
    versions = {model.id: model.model_version_id for model in endpoint.list_models()}
    percents = {}
    for id_, percent in endpoint.traffic_split.items():
        if percent:
            version = versions[id_]
            percents[version] = percent
    return percents


def test_the_first_version_takes_all_the_traffic_because_vertex_gives_it(google):
    version, new = push("gs://b/model/1", DESTINATION)

    assert version.version_id == "1"
    assert new is True
    assert version.resource_name.endswith(f"/models/{DESTINATION.registered_model}")
    assert traffic() == {"1": 100}


def test_the_next_version_joins_the_same_entry_without_traffic(google):
    push("gs://b/model/1", DESTINATION)

    version, new = push("gs://b/model/2", DESTINATION)

    assert version.version_id == "2"
    assert new is True
    assert traffic() == {"1": 100}
    deployed_versions = {model.model_version_id for model in deployment().list_models()}
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
    deployment().undeploy_all()

    version, new = push("gs://b/model/1", DESTINATION)

    assert version.version_id == first.version_id
    assert new is False
    assert traffic() == {"1": 100}


def test_a_model_is_served_by_the_servers_account_on_the_stages_machines(google):
    push("gs://b/model/1", DESTINATION)

    suffix = f"/endpoints/{DESTINATION.endpoint}"
    [endpoint] = [body for (_, name), body in google.objects.items() if name.endswith(suffix)]
    [deployed_model] = endpoint["deployedModels"]
    machines = deployed_model["dedicatedResources"]
    machine_spec = machines["machineSpec"]
    assert deployed_model["serviceAccount"] == DESTINATION.service_account
    assert machine_spec["machineType"] == "n1-standard-2"
    assert machines["minReplicaCount"] == 1
    assert machines["maxReplicaCount"] == 2


def test_a_missing_endpoint_fails_the_push_and_nothing_is_made(google):
    destination = replace(DESTINATION, endpoint="1234567890")

    with pytest.raises(RunError, match="there is no endpoint 1234567890"):
        push("gs://b/model/1", destination)

    names = [name for _, name in google.objects]
    assert [name for name in names if "/models/" in name] == []
