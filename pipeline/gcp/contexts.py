"""Contexts of Vertex ML Metadata: experiments, their runs, and the runs of pipelines.

They are asked for over REST, since Google's library takes seconds to import. Nothing is sent twice.
"""

from collections.abc import Iterator
from typing import Any

from pipeline.gcp.clients import answered
from pipeline.gcp.metadata_store import PAGE, STORE
from pipeline.gcp.protocols import Response
from pipeline.gcp.stage import Stage

Json = dict[str, Any]
EXPERIMENT, RUN = "system.Experiment", "system.ExperimentRun"
VERSION = "0.0.1"  # of both schemas
ANSWER_SECONDS = 15
REFUSED, MISSING, CONFLICT = 400, 404, 409


def create(stage: Stage, id_: str, schema: str, fields: Json) -> None:
    """Make the context; one that is there stays as it is."""
    body = {"schemaTitle": schema, "schemaVersion": VERSION, **fields}
    response = _asked(stage, "POST", "contexts", params={"contextId": id_}, json=body)
    if response.status_code == CONFLICT and _error(response)["status"] == "ALREADY_EXISTS":
        return
    answered(response)


def add_child(stage: Stage, parent: str, child: str) -> bool:
    """Put the child below the parent; return False where one of them is not there.

    A child that it has already is skipped:
    https://cloud.google.com/vertex-ai/docs/reference/rest/v1/projects.locations.metadataStores.contexts/addContextChildren
    """
    path = f"contexts/{parent}:addContextChildren"
    response = _asked(stage, "POST", path, json={"childContexts": [name(stage, child)]})
    if response.status_code == MISSING:
        return False
    answered(response)
    return True


def matching(stage: Stage, condition: str) -> Iterator[Json]:
    """Yield the contexts that meet a condition of AIP-160; none where there is no store.

    A page has 1,000, or as many as Google takes: its documents name two limits (DECISIONS.md,
    2026-11-28).
    """
    parameters = {"filter": condition, "pageSize": str(PAGE)}
    response = _asked(stage, "GET", "contexts", params=parameters)
    if response.status_code == REFUSED and "page" in _error(response)["message"]:
        del parameters["pageSize"]
        response = _asked(stage, "GET", "contexts", params=parameters)
    if response.status_code == MISSING:  # no run has made the store yet
        return
    while True:
        page = answered(response).json()
        yield from page.get("contexts", [])
        token = page.get("nextPageToken")
        if not token:
            return
        parameters["pageToken"] = token
        response = _asked(stage, "GET", "contexts", params=parameters)


def name(stage: Stage, id_: str) -> str:
    """The context's name as Vertex tells it: by the number of the project."""
    place = f"projects/{stage.settings.project_number}/locations/{stage.settings.region}"
    return f"{place}/{STORE}/contexts/{id_}"


def _asked(stage: Stage, method: str, path: str, **arguments: Any) -> Response:
    address = f"v1/{stage.parent}/{STORE}/{path}"
    return stage.vertex_rest.request(method, address, timeout=ANSWER_SECONDS, **arguments)


def _error(response: Response) -> Json:
    error: Json = response.json()["error"]
    return error
