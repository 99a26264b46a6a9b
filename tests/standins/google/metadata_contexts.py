"""What is written into Vertex ML Metadata from outside of a job: contexts, and edges between them.

The refusals are those of
cloud.google.com/vertex-ai/docs/reference/rest/v1/projects.locations.metadataStores.contexts:
`create` tells of the id, `Context` of the sizes, `addContextChildren` of parents and circles.
"""

import json
import re

from tests.standins.google.error import RefusedError
from tests.standins.google.metadata_nodes import Nodes, number_of
from tests.standins.google.store import Body, Call, Store, now

ID = re.compile(r"[a-z0-9-]{4,128}")
LONGEST_NAME = 128  # of a display name
LARGEST = 200_000  # bytes of metadata
MOST_PARENTS = 10


def create(place: Nodes, root: str, call: Call) -> Body:
    id_ = call.query.get("contextId", "")
    if not ID.fullmatch(id_):
        raise RefusedError(400, f"Context ID {id_!r} must be of 4 to 128 characters of a-z0-9-.")
    name = f"{root}/contexts/{id_}"
    if name in place.contexts:
        raise RefusedError(409, f"Context {name} already exists.")
    body = call.body
    if len(body.get("displayName", "")) > LONGEST_NAME:
        raise RefusedError(400, f"display_name must have at most {LONGEST_NAME} characters.")
    metadata = body.get("metadata", {})
    if len(json.dumps(metadata).encode()) > LARGEST:
        raise RefusedError(400, f"metadata must have at most {LARGEST} bytes.")
    time = now()
    context = {
        **body,
        "name": name,
        "metadata": _with_doubles(metadata),
        "parentContexts": [],
        "createTime": time,
        "updateTime": time,
    }
    place.contexts[name] = context
    return context


def add_children(store: Store, place: Nodes, parent: str, call: Call) -> Body:
    """A child that is there is skipped."""
    place.get(parent)
    for named in call.body.get("childContexts", []):
        child = place.get(_with_number(store, named))
        parents = child.setdefault("parentContexts", [])
        if parent in parents:
            continue
        if child["name"] in _with_ancestors(place, parent):
            raise RefusedError(400, f"{child['name']} would be an ancestor of itself.")
        if len(parents) == MOST_PARENTS:
            raise RefusedError(400, f"{child['name']} has {MOST_PARENTS} parents already.")
        parents.append(parent)
        child["updateTime"] = now()
    return {}


def _with_ancestors(place: Nodes, name: str) -> set[str]:
    names, border = {name}, [name]
    while border:
        parents = set(place.contexts[border.pop()].get("parentContexts", []))
        border += parents - names
        names |= parents
    return names


def _with_number(store: Store, name: str) -> str:
    segments = name.split("/")
    segments[1] = number_of(store, segments[1])
    return "/".join(segments)


def _with_doubles(value: object) -> object:
    """A Struct has no other numbers than doubles."""
    if isinstance(value, dict):
        return {name: _with_doubles(each) for name, each in value.items()}
    if isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return value
