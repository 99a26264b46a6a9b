"""An endpoint of the stand-in provider is one of Vertex's, with its deployed models."""

import json
import urllib.request

import pytest

from tests.standins.terraform import vertex

PLACE = "projects/mill-dev/locations/us-central1"
ENDPOINT = f"{PLACE}/endpoints/7"
VALUES = {"display_name": "dev-cab", "effective_labels": {"environment": "dev"}}


def post(google, path, body):
    content = json.dumps(body).encode()
    headers = {"content-type": "application/json"}
    request = urllib.request.Request(f"{google.url}/vertex_ai/{path}", content, headers)
    with urllib.request.urlopen(request, timeout=5) as answer:
        return json.load(answer)["response"]


def test_an_endpoint_is_found_by_whoever_deploys_to_it(google):
    vertex.make(ENDPOINT, VALUES)

    endpoint = google.objects["vertex_ai", ENDPOINT]
    assert endpoint["displayName"] == "dev-cab"
    assert endpoint["labels"] == {"environment": "dev"}


def test_an_endpoint_with_deployed_models_is_not_deleted(google):
    vertex.make(ENDPOINT, VALUES)
    version = post(google, f"{PLACE}/models:upload", {"model": {"displayName": "cab"}})
    post(google, f"{ENDPOINT}:deployModel", {"deployedModel": {"model": version["model"]}})

    with pytest.raises(PermissionError, match="has deployed models; undeploy them"):
        vertex.remove(ENDPOINT)

    assert ("vertex_ai", ENDPOINT) in google.objects


def test_an_empty_endpoint_is_deleted(google):
    vertex.make(ENDPOINT, VALUES)

    vertex.remove(ENDPOINT)

    assert ("vertex_ai", ENDPOINT) not in google.objects
