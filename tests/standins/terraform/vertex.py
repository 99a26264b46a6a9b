"""The endpoints of the stand-in provider, also kept by Vertex's stand-in.

Deliveries deploy to them there. It is asked where GOOGLE_VERTEX_AI_CUSTOM_ENDPOINT names it.
"""

import json
import os
import urllib.error
import urllib.request

from tests.standins.terraform.objects import Values

ENDPOINT = "google_vertex_ai_endpoint"


def make(identity: str, values: Values) -> None:
    place, _, number = identity.rpartition("/")
    body = {"displayName": values["display_name"], "labels": values["effective_labels"]}
    _ask("POST", f"{place}?endpointId={number}", body)


def remove(identity: str) -> None:
    """Remove the endpoint; PermissionError while models are deployed to it: Vertex keeps it."""
    _ask("DELETE", identity)


def _ask(method: str, path: str, body: Values | None = None) -> None:
    address = os.environ.get("GOOGLE_VERTEX_AI_CUSTOM_ENDPOINT", "").rstrip("/")
    if not address:
        return
    content = json.dumps(body).encode() if body else None
    request = urllib.request.Request(f"{address}/{path}", content, method=method)
    try:
        urllib.request.urlopen(request, timeout=5).close()
    except urllib.error.HTTPError as error:
        answer = json.load(error)
        raise PermissionError(answer["error"]["message"]) from None
