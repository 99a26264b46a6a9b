"""Whether a plan would destroy or replace serving endpoints, asked of Vertex."""

import pytest

from environments import DEV
from infra.deploy import removals
from infra.deploy.terraform import TerraformError
from infra.errors import RefusedError
from tests.standins.terraform import vertex

DESTROY, REPLACE = ["delete"], ["delete", "create"]
ELSEWHERE = "europe-west1"


def plan(*changes):
    return {"resource_changes": list(changes)}


def change(model, actions, location=DEV.region):
    """The change to a model's endpoint, as `terraform show -json` tells it."""
    before = {
        "id": endpoint(model, location),
        "name": DEV.names.endpoint(model),
        "display_name": DEV.names.pipeline(model),
        "location": location,
    }
    address = f"{removals.ENDPOINT}.{model}"
    effect = {"actions": actions, "before": before}
    return {"address": address, "type": removals.ENDPOINT, "change": effect}


def endpoint(model, location=DEV.region):
    place = f"projects/{DEV.project_id}/locations/{location}"
    return f"{place}/endpoints/{DEV.names.endpoint(model)}"


def serve(google, model, count, location=DEV.region):
    name = endpoint(model, location)
    values = {"display_name": DEV.names.pipeline(model), "effective_labels": {}}
    vertex.make(name, values)
    deployed_models = [{"id": str(number)} for number in range(count)]
    google.change("vertex_ai", name, deployedModels=deployed_models)


def refusal(document):
    """The sentence by which the plan is refused."""
    with pytest.raises(RefusedError) as refused:
        removals.check(document, DEV)
    return str(refused.value)


def test_every_endpoint_that_serves_is_named_with_its_model_and_the_way_out(google):
    serve(google, "bus", 1)
    serve(google, "cab_rides", 1)
    serve(google, "ferry", 2)
    document = plan(
        change("bus", ["no-op"]),
        change("cab_rides", DESTROY),
        change("ferry", DESTROY),
    )

    sentence = refusal(document)

    cab = DEV.names.endpoint("cab_rides")
    ferry = DEV.names.endpoint("ferry")
    assert sentence == (
        f"models/cab_rides is gone and its endpoint {cab} still has 1 deployed model: "
        "`python3 -m pipeline release retire cab_rides --env dev` takes all away; "
        f"models/ferry is gone and its endpoint {ferry} still has 2 deployed models: "
        "`python3 -m pipeline release retire ferry --env dev` takes all away; nothing was changed"
    )


@pytest.mark.parametrize("actions", [REPLACE, ["create", "delete"]])
def test_an_endpoint_that_serves_is_not_replaced_and_is_asked_for_where_it_lies(google, actions):
    serve(google, "ferry", 1, ELSEWHERE)
    document = plan(change("ferry", actions, ELSEWHERE))

    sentence = refusal(document)

    number = DEV.names.endpoint("ferry")
    assert sentence == (
        f"the endpoint {number} of ferry in {ELSEWHERE} would be replaced and still has "
        "1 deployed model: take the change back, `python3 -m pipeline release retire ferry "
        "--env dev` takes all away, then change it; nothing was changed"
    )


@pytest.mark.parametrize("actions", [DESTROY, REPLACE])
def test_an_endpoint_that_is_empty_or_deleted_already_may_go(google, actions):
    serve(google, "ferry", 0)
    document = plan(change("ferry", actions), change("bus", actions))

    removals.check(document, DEV)


def test_vertex_is_asked_only_about_endpoints_that_would_go(google):
    bucket = {"type": "google_storage_bucket", "change": {"actions": DESTROY, "before": {}}}
    document = plan(change("bus", ["no-op"]), change("cab", ["update"]), bucket)

    removals.check(document, DEV)

    assert google.requests == []


def test_vertex_that_is_away_is_one_sentence(google, monkeypatch):
    monkeypatch.setenv("GOOGLE_VERTEX_AI_CUSTOM_ENDPOINT", "http://127.0.0.1:9/")
    document = plan(change("ferry", DESTROY))

    message = "dev: what is deployed to endpoints that would go can't be asked: 127.0.0.1:9 can't"
    with pytest.raises(TerraformError, match=message):
        removals.check(document, DEV)
