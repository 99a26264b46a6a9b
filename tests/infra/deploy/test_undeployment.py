"""A teardown undeploys its own stage's models, and no other stage's."""

import json
import urllib.request

import pytest

from environments import DEV, STAGING
from infra.deploy.terraform import TerraformError
from infra.deploy.undeployment import undeploy_all
from tests.standins.google.apis import GoogleApis

PLACE = f"projects/{DEV.project_id}/locations/{DEV.region}"


def post(google: GoogleApis, path: str, body: dict) -> dict:
    text = json.dumps(body)
    request = urllib.request.Request(
        f"{google.url}/vertex_ai/{path}", text.encode(), {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=5) as answer:
        operation = json.load(answer)
    return operation["response"]


def endpoint_with_models(google: GoogleApis, number: str, *, stage: str, models: int) -> None:
    labels = {"environment": stage, "managed-by": "esteira"}
    endpoint = {"displayName": number, "labels": labels}
    post(google, f"{PLACE}/endpoints?endpointId={number}", endpoint)
    version = post(google, f"{PLACE}/models:upload", {"model": {"displayName": number}})
    deployment = {"deployedModel": {"model": version["model"]}}
    for _ in range(models):
        post(google, f"{PLACE}/endpoints/{number}:deployModel", deployment)


def deployed(google: GoogleApis, number: str) -> int:
    endpoint = google.objects["vertex_ai", f"{PLACE}/endpoints/{number}"]
    models = endpoint.get("deployedModels", [])
    return len(models)


def test_every_model_goes_and_those_of_another_environment_stay(google):
    endpoint_with_models(google, "7", stage=DEV.stage, models=3)
    endpoint_with_models(google, "8", stage=STAGING.stage, models=1)

    versions = undeploy_all(DEV)

    assert len(versions) == 3
    assert deployed(google, "7") == 0
    assert deployed(google, "8") == 1


def test_an_environment_without_models_has_nothing_to_undeploy(google):
    versions = undeploy_all(DEV)

    assert versions == []


def test_vertex_that_is_away_is_one_sentence(monkeypatch):
    monkeypatch.setenv("GOOGLE_OAUTH_ACCESS_TOKEN", "t")
    monkeypatch.setenv("GOOGLE_VERTEX_AI_CUSTOM_ENDPOINT", "http://127.0.0.1:9/")

    message = "dev: the models on its endpoints can't be undeployed: 127.0.0.1:9 can't be reached"
    with pytest.raises(TerraformError, match=message):
        undeploy_all(DEV)
