"""Refuse to destroy an endpoint that still serves: its model's folder is gone, its models are not.

Vertex deletes no endpoint with deployed models, and what is applied before it would be half a
deploy.
"""

import math
from collections.abc import Iterator

from infra.deploy.terraform import Document, Stack, TerraformError
from infra.doctor.finding import NotAskedError
from infra.doctor.google import Google
from infra.doctor.rest import Rest
from infra.errors import RefusedError
from settings import Settings

ENDPOINT = "google_vertex_ai_endpoint"


def check(stack: Stack, settings: Settings) -> None:
    """Raise RefusedError for the removal of a model with a serving endpoint.

    The stack is initialized. Only the serving stack holds endpoints, and Vertex is asked only about
    those that would go. Raises TerraformError where Vertex can't be asked.
    """
    if not stack.name.startswith("serving-"):
        return
    google = Google(Rest(deadline_seconds=math.inf), region=settings.region)
    sentences = []
    try:
        for endpoint in _removed(stack):
            count = _deployed(google, endpoint)
            if count:
                sentences.append(_sentence(endpoint, count, settings))
    except NotAskedError as error:
        raise TerraformError(
            f"{stack.name}: what is deployed to endpoints of removed models can't be asked: {error}"
        ) from None
    if sentences:
        refusal = "; ".join(sentences)
        raise RefusedError(f"{refusal}; nothing was changed")


def _removed(stack: Stack) -> Iterator[Document]:
    """The attributes of each endpoint in the state without a synthesized resource."""
    resources = stack.configuration().get("resource", {})
    endpoints = resources.get(ENDPOINT, {})
    addresses = {f"{ENDPOINT}.{name}" for name in endpoints}
    state_addresses = {line for line in stack.in_state() if line.startswith(f"{ENDPOINT}.")}
    removed_addresses = state_addresses - addresses
    if not removed_addresses:
        return
    for resource in stack.resources():
        if resource["address"] in removed_addresses:
            yield resource["values"]


def _deployed(google: Google, endpoint: Document) -> int:
    """The number of models on an endpoint; 0 for a deleted one."""
    answer = google.ask("vertex_ai", endpoint["id"]) or {}
    deployed_models = answer.get("deployedModels", [])
    return len(deployed_models)


def _sentence(endpoint: Document, count: int, settings: Settings) -> str:
    # Names.pipeline made it of the model's name, in which there is no hyphen.
    hyphened_name = endpoint["display_name"].removeprefix(f"{settings.stage}-")
    model = hyphened_name.replace("-", "_")
    models = "1 deployed model" if count == 1 else f"{count} deployed models"
    return (
        f"models/{model} is gone and its endpoint {endpoint['name']} still has {models}: "
        f"`python3 -m pipeline release retire {model} --env {settings.stage}` takes all away"
    )
