"""Take every model off a stage's endpoints.

Vertex deletes no endpoint that holds a model, and its machines are paid for.
"""

import math
import time
from collections.abc import Iterator

from infra.deploy.terraform import TerraformError
from infra.doctor.finding import NotAskedError
from infra.doctor.google import Google
from infra.doctor.rest import Body, Rest
from settings import Settings

PATIENCE_SECONDS = 20 * 60  # for one model: Vertex takes minutes to let machines go


def undeploy_all(settings: Settings) -> list[str]:
    """Undeploy all models, and return their ids as deployed models.

    Raises TerraformError where Vertex can't be asked or does not do it.
    """
    google = Google(Rest(deadline_seconds=math.inf), region=settings.region)
    try:
        model_ids = list(_undeployed(google, settings))
    except NotAskedError as error:
        raise TerraformError(
            f"{settings.stage}: the models on its endpoints can't be undeployed: {error}"
        ) from None
    return model_ids


def _undeployed(google: Google, settings: Settings) -> Iterator[str]:
    for endpoint in _endpoints(google, settings):
        name, models = endpoint["name"], endpoint.get("deployedModels", [])
        model_ids = [model["id"] for model in models]
        for model_id in model_ids:
            request: Body = {"deployedModelId": model_id}
            # What still has traffic can't go, so the last one gets all of it.
            last_id = model_ids[-1]
            if model_id != last_id:
                request["trafficSplit"] = {last_id: 100}
            operation = google.ask("vertex_ai", f"{name}:undeployModel", request)
            _wait(google, operation or {})
            yield model_id


def _endpoints(google: Google, settings: Settings) -> list[Body]:
    """Return the endpoints with this stage's labels.

    Terraform labelled them. The endpoints of models that have left the repository are among them.
    """
    location = f"projects/{settings.project_id}/locations/{settings.region}"
    labels = {"managed-by": "esteira", "environment": settings.stage}
    endpoints = google.listing("vertex_ai", f"{location}/endpoints?pageSize=100", "endpoints")
    return [
        endpoint for endpoint in endpoints if labels.items() <= endpoint.get("labels", {}).items()
    ]


def _wait(google: Google, operation: Body) -> None:
    name = operation.get("name", "")
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not operation.get("done"):
        if time.monotonic() > deadline:
            raise NotAskedError(f"{name} did not end within {PATIENCE_SECONDS // 60} minutes")
        time.sleep(5)
        operation = google.ask("vertex_ai", name) or {}
    if error := operation.get("error"):
        message = error.get("message")
        raise NotAskedError(f"Vertex says {message}")
