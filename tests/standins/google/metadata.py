"""Vertex ML Metadata, one store a project and region, as its REST reference has it.

cloud.google.com/vertex-ai/docs/reference/rest/v1/projects.locations.metadataStores. Names carry the
project's number, whichever way they were asked for.
"""

import base64
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence

from tests.standins.google import metadata_contexts
from tests.standins.google.error import RefusedError
from tests.standins.google.filters import Filter
from tests.standins.google.metadata_nodes import Nodes, nodes, number_of
from tests.standins.google.store import Body, Call, Store

ENUMS = {
    "artifacts": ("STATE_UNSPECIFIED", "PENDING", "LIVE"),
    "executions": (
        *("STATE_UNSPECIFIED", "NEW", "RUNNING", "COMPLETE"),
        *("FAILED", "CACHED", "CANCELLED"),
    ),
}
EVENTS = ("TYPE_UNSPECIFIED", "INPUT", "OUTPUT")
FIELDS = ("name", "display_name", "schema_title", "create_time", "update_time")
FILTERED = {
    "artifacts": (*FIELDS, "state", "uri"),
    "executions": (*FIELDS, "state"),
    "contexts": (*FIELDS, "parent_contexts"),
}
PAGE = 100
PARAMETERS = {"filter", "pageSize", "pageToken", "$alt"}  # of a listing, as far as it is asked
DEPTH = 6  # of a store's name: projects/P/locations/L/metadataStores/default


def answer(store: Store, call: Call) -> Body:
    segments = call.path.split("/")
    project, location, name = segments[1], segments[3], [*segments, ""][5]
    number = number_of(store, project)
    if name != "default" or (number, location) not in store.metadata:
        raise RefusedError(404, f"MetadataStore {call.path} was not found.")
    body = _answer(store, nodes(store, project, location), call)
    encoding = call.query.get("$alt", "")
    return _with_numbers(body) if "enum-encoding=int" in encoding else body


def parent(store: Store, path: str) -> str:
    """projects/NUMBER/locations/L/metadataStores/default, of any path below it."""
    segments = path.split("/")
    segments[1] = number_of(store, segments[1])
    return "/".join(segments[:DEPTH])


def _answer(store: Store, place: Nodes, call: Call) -> Body:
    segments = call.path.split("/")
    name = "/".join([parent(store, call.path), *segments[DEPTH:]])
    if call.method != "GET":
        return _change(store, place, call, name)
    if call.verb:
        return _query(place, name, call)
    if len(segments) == DEPTH:
        return {"name": name}
    if len(segments) == DEPTH + 1:
        return _listing(store, place, call)
    return place.get(name)


def _change(store: Store, place: Nodes, call: Call, name: str) -> Body:
    segments = call.path.split("/")
    kind = (call.method, call.verb, segments[DEPTH], len(segments) - DEPTH)
    if kind == ("POST", "", "contexts", 1):
        root = parent(store, call.path)
        return metadata_contexts.create(place, root, call.query.get("contextId"), call.body)
    if kind == ("POST", "addContextChildren", "contexts", 2):
        children = [_numbered_name(store, child) for child in call.body["childContexts"]]
        return metadata_contexts.add_children(place, name, children)
    if kind == ("DELETE", "", "contexts", 2):
        return metadata_contexts.delete(place, name)
    raise RefusedError(501, f"the stand-in has no {call.method} {call.path}:{call.verb}")


def _numbered_name(store: Store, name: str) -> str:
    return "/".join([parent(store, name), *name.split("/")[DEPTH:]])


def _query(place: Nodes, name: str, call: Call) -> Body:
    if call.verb not in QUERIES:
        raise RefusedError(501, f"the stand-in has no {call.verb} of metadata")
    place.get(name)
    query = QUERIES[call.verb]
    return query(place, name, call.query)


def lineage_of_artifact(place: Nodes, name: str, query: Mapping[str, str]) -> Body:
    hops = int(query["maxHops"]) if "maxHops" in query else None
    if hops is not None and hops < 0:
        raise RefusedError(400, f"max_hops must not be negative, but is {hops}")
    text = query.get("filter", "")
    condition = Filter(FILTERED["artifacts"], has_metadata=True).condition(text)
    names = place.around(name, hops, condition)
    return place.graph(names)


def lineage_of_execution(place: Nodes, name: str, _: Mapping[str, str]) -> Body:
    """404 where it has no artifacts: https://github.com/googleapis/python-aiplatform/pull/326."""
    artifacts = place.of_execution(name)
    if not artifacts:
        raise RefusedError(404, f"{name} has no artifacts.")
    return place.graph({name, *artifacts})


def lineage_of_context(place: Nodes, name: str, _: Mapping[str, str]) -> Body:
    return place.graph(place.members[name])


QUERIES: dict[str, Callable[[Nodes, str, Mapping[str, str]], Body]] = {
    "queryArtifactLineageSubgraph": lineage_of_artifact,
    "queryExecutionInputsAndOutputs": lineage_of_execution,
    "queryContextLineageSubgraph": lineage_of_context,
}


def _listing(store: Store, place: Nodes, call: Call) -> Body:
    *_, collection = call.path.split("/")
    query = call.query
    if unknown_names := query.keys() - PARAMETERS:
        raise RefusedError(501, f"the stand-in knows no {', '.join(unknown_names)} of a listing")
    size = int(query.get("pageSize", PAGE))
    largest_page = store.unknowns.largest_metadata_page
    if not 0 <= size <= largest_page:
        raise RefusedError(400, f"page_size must be in 1..{largest_page}, not {size}")
    nodes = place.of(collection).values()
    condition = _filter(place, collection).condition(query.get("filter", ""))
    bodies = [body for body in nodes if condition(body)]
    if store.empty_first_pages and "pageToken" not in query:
        return {"nextPageToken": _token(query, 0)}
    start = _start(query)
    end = start + (size or PAGE)
    page: Body = {collection: bodies[start:end]}
    if end < len(bodies):
        page["nextPageToken"] = _token(query, end)
    return page


def _filter(place: Nodes, collection: str) -> Filter:
    def is_in(body: Body, context: str) -> bool:
        return body["name"] in place.members[context]

    contexts = None if collection == "contexts" else is_in
    return Filter(FILTERED[collection], contexts, has_metadata=True)


def _token(query: Mapping[str, str], start: int) -> str:
    content = json.dumps([start, _parameters(query)])
    token = base64.urlsafe_b64encode(content.encode())
    return token.decode()


def _start(query: Mapping[str, str]) -> int:
    """The place of the page: all other parameters must match the call that gave the token."""
    if "pageToken" not in query:
        return 0
    try:
        content = base64.urlsafe_b64decode(query["pageToken"])
        start, parameters = json.loads(content)
    except ValueError as error:
        raise RefusedError(400, "Invalid page_token.") from error
    if parameters != _parameters(query):
        raise RefusedError(400, "page_token was given for other parameters.")
    return int(start)


def _parameters(query: Mapping[str, str]) -> str:
    parameters = {name: value for name, value in query.items() if name != "pageToken"}
    content = json.dumps(parameters, sort_keys=True)
    digest = hashlib.sha256(content.encode())
    return digest.hexdigest()


def _with_numbers(body: Body) -> Body:
    """The body with enums as the numbers that Google's client asks for."""
    encoded = dict(body)
    for collection, names in ENUMS.items():
        if collection in body:
            encoded[collection] = [_numbered(each, "state", names) for each in body[collection]]
        elif f"/{collection}/" in body.get("name", ""):
            encoded = _numbered(body, "state", names)
    if "events" in body:
        encoded["events"] = [_numbered(event, "type", EVENTS) for event in body["events"]]
    return encoded


def _numbered(body: Body, name: str, names: Sequence[str]) -> Body:
    if name not in body:
        return body
    value = body[name]
    return {**body, name: names.index(value)}
