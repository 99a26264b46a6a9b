"""Contexts of Vertex ML Metadata as they are made, joined and deleted.

The limits are those of CreateContextRequest and Context of google.cloud.aiplatform_v1.types
(google-cloud-aiplatform 1.165.1, metadata_service.py and context.py), the edges those of
https://cloud.google.com/vertex-ai/docs/reference/rest/v1/projects.locations.metadataStores.contexts/addContextChildren.
"""

import json
import math
import re
import uuid
from datetime import datetime, timedelta
from typing import Any

from tests.standins.google.error import RefusedError
from tests.standins.google.metadata_nodes import Nodes
from tests.standins.google.store import Body, now

ID = re.compile(r"[a-z0-9-]{4,128}")
LONGEST_NAME = 128
METADATA_BYTES = 200_000
MOST_PARENTS = 10
WRITABLE = ("displayName", "description", "labels", "metadata", "schemaTitle", "schemaVersion")


def create(place: Nodes, root: str, id_: str | None, body: Body) -> Body:
    """A context of that id; 400 for an id out of bounds, 409 for one of the store.

    Output-only fields, among them parentContexts, are not taken from the caller.
    """
    id_ = str(uuid.uuid4()) if id_ is None else id_
    if not ID.fullmatch(id_):
        raise RefusedError(400, f"context_id {id_} must be 4-128 characters of [a-z][0-9]-")
    if len(body.get("displayName", "")) > LONGEST_NAME:
        raise RefusedError(400, f"display_name has at most {LONGEST_NAME} characters")
    name = f"{root}/contexts/{id_}"
    metadata = checked_metadata(name, body.get("metadata", {}))
    if name in place.contexts:
        raise RefusedError(409, f"{name} already exists.")
    fields = {key: body[key] for key in WRITABLE if key in body}
    time = now()
    place.contexts[name] = {
        **fields,
        "name": name,
        "metadata": metadata,
        "parentContexts": [],
        "createTime": time,
        "updateTime": time,
    }
    return place.contexts[name]


def delete(place: Nodes, name: str) -> Body:
    place.get(name)
    del place.contexts[name]
    return {"name": f"{name}/operations/1", "done": True, "response": {}}


def add_children(place: Nodes, parent: str, children: list[str]) -> Body:
    """Those that it has are skipped; 400 for a cycle, and for more than ten parents.

    Whether the child's updateTime changes is not documented: here it does not.
    """
    place.get(parent)
    bodies = [place.get(child) for child in children]
    for body in bodies:
        parents = body.setdefault("parentContexts", [])
        if parent in parents:
            continue
        if body["name"] in _ancestors(place, parent):
            raise RefusedError(400, f"{body['name']} would be an ancestor of itself.")
        if len(parents) == MOST_PARENTS:
            raise RefusedError(400, f"{body['name']} has {MOST_PARENTS} parents already.")
        parents.append(parent)
    return {}


def _ancestors(place: Nodes, name: str) -> set[str]:
    names, border = {name}, {name}
    while border:
        parents = {each for child in border for each in place.get(child).get("parentContexts", [])}
        border = parents - names
        names |= border
    return names


def age(place: Nodes, difference: timedelta) -> None:
    for body in place.contexts.values():
        time = datetime.fromisoformat(body["updateTime"]) - difference
        body["updateTime"] = time.isoformat()


def checked_metadata(name: str, metadata: Body) -> Body:
    """The metadata as a Struct holds them: its numbers are doubles, and finite."""
    if len(json.dumps(metadata)) > METADATA_BYTES:
        raise RefusedError(400, f"the metadata of {name} exceed 200 KB.")
    return {key: _value(value) for key, value in metadata.items()}


def _value(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _value(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_value(part) for part in value]
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    if not math.isfinite(value):
        raise RefusedError(400, f"Invalid JSON payload received: {value} is no JSON number.")
    return float(value)
