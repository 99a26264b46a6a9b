"""Undeployment forgets no endpoint on a listing's later pages."""

import json

from environments import DEV
from infra.deploy.undeployment import undeploy_all
from tests.standins.google.apis import GoogleApis

PLACE = f"projects/{DEV.project_id}/locations/{DEV.region}"


def post(google: GoogleApis, path: str, body: dict) -> dict:
    answer = google.respond("POST", f"/vertex_ai/v1/{PLACE}/{path}", json.dumps(body).encode())
    assert answer.status == 200
    return json.loads(answer.content)["response"]


def endpoints(google: GoogleApis, count: int) -> None:
    """As many endpoints of dev's, each with one model."""
    labels = {"environment": DEV.stage, "managed-by": "esteira"}
    model = post(google, "models:upload", {"model": {"displayName": "cab"}})["model"]
    for number in range(1, count + 1):
        post(google, f"endpoints?endpointId={number}", {"displayName": "cab", "labels": labels})
        body = {"deployedModel": {"model": model}}
        post(google, f"endpoints/{number}:deployModel", body)


def test_the_endpoint_after_the_hundredth_is_emptied_too(google: GoogleApis) -> None:
    endpoints(google, 101)

    ids = undeploy_all(DEV)

    assert len(ids) == 101


def test_endpoints_behind_an_empty_page_are_emptied(google: GoogleApis) -> None:
    endpoints(google, 1)
    google.begin_listings_empty()

    ids = undeploy_all(DEV)

    assert len(ids) == 1
