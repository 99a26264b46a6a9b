"""Take every model off an environment's endpoints: Vertex deletes no endpoint that holds one, and its machines are paid for."""

import json
import os
import time
from collections.abc import Iterator
from typing import Any

from infra.review.finding import NotAskedError
from infra.review.google import Google
from infra.review.rest import Rest, accepted
from infra.terraform import TerraformError
from settings import Settings

PATIENCE_SECONDS = 20 * 60  # Vertex takes minutes to let machines go


def undeploy_all(settings: Settings) -> list[str]:
    """The ids of the deployed models that were taken off; TerraformError where Vertex can't be asked or does not do it."""
    try:
        return list(_undeployed(_Vertex(settings)))
    except NotAskedError as error:
        raise TerraformError(f"{settings.stage}: the models on its endpoints can't be undeployed: {error}") from None


class _Vertex:
    def __init__(self, settings: Settings) -> None:
        self.settings, self.token = settings, Google(Rest()).token()
        custom = os.environ.get("GOOGLE_VERTEX_AI_CUSTOM_ENDPOINT")
        self.address = custom or f"https://{settings.region}-aiplatform.googleapis.com/v1/"

    def ask(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        url, send = self.address + path, None if body is None else json.dumps(body).encode()
        return accepted(url, *Rest().ask(url, token=self.token, send=send)) or {}

    def endpoints(self) -> list[dict[str, Any]]:
        """Those that Terraform labelled as this environment's, of models that have left the repository, too."""
        place = f"projects/{self.settings.project_id}/locations/{self.settings.region}"
        listed = self.ask(f"{place}/endpoints?pageSize=100").get("endpoints", [])
        ours = {"managed-by": "esteira", "environment": self.settings.stage}
        return [endpoint for endpoint in listed if ours.items() <= endpoint.get("labels", {}).items()]


def _undeployed(vertex: _Vertex) -> Iterator[str]:
    for endpoint in vertex.endpoints():
        deployed = [model["id"] for model in endpoint.get("deployedModels", [])]
        for index, model in enumerate(deployed):
            # What still has traffic can't go, so the last one gets all of it.
            split = {"trafficSplit": {deployed[-1]: 100}} if index < len(deployed) - 1 else {}
            operation = vertex.ask(f"{endpoint['name']}:undeployModel", {"deployedModelId": model, **split})
            _wait(vertex, operation)
            yield model


def _wait(vertex: _Vertex, operation: dict[str, Any]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not operation.get("done"):
        if time.monotonic() > deadline:
            raise NotAskedError(f"{operation.get('name')} did not end within {PATIENCE_SECONDS // 60} minutes")
        time.sleep(5)
        operation = vertex.ask(operation["name"])
    if error := operation.get("error"):
        raise NotAskedError(f"Vertex says {error.get('message')}")
