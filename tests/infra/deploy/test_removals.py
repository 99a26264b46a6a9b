"""Whether a plan would destroy serving endpoints, asked of a state and of Vertex."""

import json
import os

import pytest

from environments import DEV
from infra.deploy import removals
from infra.deploy.terraform import Stack, TerraformError
from infra.errors import RefusedError
from tests.standins.terraform import vertex

TERRAFORM = """#!/bin/sh
case "$2" in
  state) cat {folder}/addresses ;;
  show) cat {folder}/state.json ;;
esac
"""
GONE = {
    "cab_rides": 1,
    "ferry": 2,
}  # models without a folder -> what is deployed to their endpoints


@pytest.fixture
def serving(tmp_path, monkeypatch):
    """A serving stack of `bus`; endpoints of GONE, too, are in its state."""
    program = tmp_path / "terraform"
    program.write_text(TERRAFORM.format(folder=tmp_path))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    resources = [resource(model) for model in ("bus", *GONE)]
    state = {"values": {"root_module": {"resources": resources}}}
    write(tmp_path / "state.json", state)
    addresses = [resource["address"] for resource in resources]
    (tmp_path / "addresses").write_text("\n".join(["google_pubsub_topic.T", *addresses]))
    write(tmp_path / "cdk.tf.json", {"resource": {removals.ENDPOINT: {"bus": {}}}})
    return Stack(f"serving-{DEV.stage}", tmp_path)


def resource(model):
    number = DEV.names.endpoint(model)
    values = {"id": endpoint(model), "name": number, "display_name": DEV.names.pipeline(model)}
    return {"address": f"{removals.ENDPOINT}.{model}", "values": values}


def endpoint(model):
    place = f"projects/{DEV.project_id}/locations/{DEV.region}"
    return f"{place}/endpoints/{DEV.names.endpoint(model)}"


def write(file, document):
    text = json.dumps(document)
    file.write_text(text)


def serve(google, model, count):
    values = {"display_name": DEV.names.pipeline(model), "effective_labels": {}}
    vertex.make(endpoint(model), values)
    deployed_models = [{"id": str(number)} for number in range(count)]
    google.change("vertex_ai", endpoint(model), deployedModels=deployed_models)


def test_every_endpoint_that_serves_is_named_with_its_model_and_the_way_out(google, serving):
    serve(google, "bus", 1)
    for model, count in GONE.items():
        serve(google, model, count)

    with pytest.raises(RefusedError) as refused:
        removals.check(serving, DEV)

    cab, ferry = (DEV.names.endpoint(model) for model in GONE)
    assert str(refused.value) == (
        f"models/cab_rides is gone and its endpoint {cab} still has 1 deployed model: "
        "`python3 -m pipeline release retire cab_rides --env dev` takes all away; "
        f"models/ferry is gone and its endpoint {ferry} still has 2 deployed models: "
        "`python3 -m pipeline release retire ferry --env dev` takes all away; nothing was changed"
    )


def test_an_endpoint_that_is_empty_or_deleted_already_may_go(google, serving):
    serve(google, "ferry", 0)

    removals.check(serving, DEV)


def test_vertex_is_asked_only_about_endpoints_that_would_go(google, serving):
    endpoints = {model: {} for model in ("bus", *GONE)}
    write(serving.folder / "cdk.tf.json", {"resource": {removals.ENDPOINT: endpoints}})

    removals.check(serving, DEV)

    assert google.requests == []


def test_vertex_that_is_away_is_one_sentence(google, serving, monkeypatch):
    monkeypatch.setenv("GOOGLE_VERTEX_AI_CUSTOM_ENDPOINT", "http://127.0.0.1:9/")

    message = "what is deployed to endpoints of removed models can't be asked: 127.0.0.1:9 can't be"
    with pytest.raises(TerraformError, match=message):
        removals.check(serving, DEV)
