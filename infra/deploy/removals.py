"""Refuse to destroy or replace a serving endpoint.

Its model's folder is gone, or a value of which it is made has changed, and its models are still
deployed. Vertex deletes no endpoint with deployed models, and what is applied before it would be
half a deploy.
"""

import math
from collections.abc import Iterator

from infra.deploy.terraform import Document, TerraformError
from infra.doctor.finding import NotAskedError
from infra.doctor.google import Google
from infra.doctor.rest import Rest
from infra.errors import RefusedError
from settings import Settings

ENDPOINT = "google_vertex_ai_endpoint"


def check(plan_json: Document, settings: Settings) -> None:
    """Raise RefusedError for a plan to remove or replace a serving endpoint.

    The plan is as `terraform show -json` tells it. Vertex is asked only about the endpoints that
    would go. Raises TerraformError where Vertex can't be asked.
    """
    rest = Rest(deadline_seconds=math.inf)
    sentences = []
    try:
        for change in _removals(plan_json):
            count = _deployed(rest, change["before"])
            if count:
                sentences.append(_sentence(change, count, settings))
    except NotAskedError as error:
        raise TerraformError(
            f"{settings.stage}: what is deployed to endpoints that would go can't be asked: {error}"
        ) from None
    if sentences:
        refusal = "; ".join(sentences)
        raise RefusedError(f"{refusal}; nothing was changed")


def _removals(plan_json: Document) -> Iterator[Document]:
    """The change to each endpoint due for destruction or replacement by the plan."""
    for resource in plan_json.get("resource_changes", []):
        change = resource["change"]
        if resource["type"] == ENDPOINT and "delete" in change["actions"]:
            yield change


def _deployed(rest: Rest, endpoint: Document) -> int:
    """The number of models on an endpoint; 0 for a deleted one."""
    google = Google(rest, region=endpoint["location"])  # its own, which the stage may have left
    answer = google.ask("vertex_ai", endpoint["id"]) or {}
    deployed_models = answer.get("deployedModels", [])
    return len(deployed_models)


def _sentence(change: Document, count: int, settings: Settings) -> str:
    endpoint = change["before"]
    # Names.pipeline made it of the model's name, in which there is no hyphen.
    hyphened_name = endpoint["display_name"].removeprefix(f"{settings.stage}-")
    model = hyphened_name.replace("-", "_")
    models = "1 deployed model" if count == 1 else f"{count} deployed models"
    retire = f"`python3 -m pipeline release retire {model} --env {settings.stage}`"
    if change["actions"] == ["delete"]:
        return (
            f"models/{model} is gone and its endpoint {endpoint['name']} still has {models}: "
            f"{retire} takes all away"
        )
    return (
        f"the endpoint {endpoint['name']} of {model} in {endpoint['location']} would be replaced "
        f"and still has {models}: take the change back, {retire} takes all away, then change it"
    )
