"""Vertex ML Metadata, one store a project and region, as its REST reference has it.

cloud.google.com/vertex-ai/docs/reference/rest/v1/projects.locations.metadataStores. Names carry the
project's number, whichever way they were asked for.
"""

import base64
import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from tests.standins.google.error import RefusedError
from tests.standins.google.filters import Filter
from tests.standins.google.store import Body, Call, Store, now

ENUMS = {
    "artifacts": ("STATE_UNSPECIFIED", "PENDING", "LIVE"),
    "executions": (
        *("STATE_UNSPECIFIED", "NEW", "RUNNING", "COMPLETE"),
        *("FAILED", "CACHED", "CANCELLED"),
    ),
}
EVENTS = ("TYPE_UNSPECIFIED", "INPUT", "OUTPUT")
FIELDS = ("name", "display_name", "schema_title", "create_time", "update_time")
FILTERED = {"artifacts": (*FIELDS, "state", "uri"), "executions": (*FIELDS, "state")}
LARGEST = 1000  # of each kind of node in a lineage, and of a page
PAGE = 100
METADATA_BYTES = 200_000


@dataclass
class Nodes:
    """What one store holds, by full names."""

    artifacts: dict[str, Body] = field(default_factory=dict)
    executions: dict[str, Body] = field(default_factory=dict)
    contexts: dict[str, Body] = field(default_factory=dict)
    events: dict[tuple[str, str, str], Body] = field(default_factory=dict)
    # of executions, by the context of their run and their task
    names: dict[tuple[str, str], str] = field(default_factory=dict)
    # the artifacts and executions of each context
    members: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def of(self, collection: str) -> dict[str, Body]:
        collections = {
            "artifacts": self.artifacts,
            "executions": self.executions,
            "contexts": self.contexts,
        }
        if collection not in collections:
            raise RefusedError(501, f"the stand-in has no {collection} of metadata")
        return collections[collection]

    def connect(self, artifact: str, execution: str, type_: str, key: str) -> None:
        """Add an event; there is one for each pair and direction."""
        event = {
            "artifact": artifact,
            "execution": execution,
            "type": type_,
            "labels": {"name": key},
            "eventTime": now(),
        }
        self.events.setdefault((artifact, execution, type_), event)


def nodes(store: Store, project: str, location: str) -> Nodes:
    """The store of a project, which may be named by its number, and of a region."""
    number = project if project.isdigit() else store.project_number(project)
    stores: dict[tuple[str, str], Nodes] = store.metadata
    return stores.setdefault((number, location), Nodes())


def parent(store: Store, path: str) -> str:
    """projects/NUMBER/locations/L/metadataStores/default, of any path below it."""
    segments = path.split("/")[:6]
    if not segments[1].isdigit():
        segments[1] = store.project_number(segments[1])
    return "/".join(segments)


def answer(store: Store, call: Call) -> Body:
    _, project, _, location, _, name, *_ = [*call.path.split("/"), ""]
    stores = store.metadata
    number = project if project.isdigit() else store.project_number(project)
    if name != "default" or (number, location) not in stores:
        raise RefusedError(404, f"MetadataStore {call.path} was not found.")
    place = nodes(store, project, location)
    body = _answer(store, place, call)
    return _with_numbers(body) if "enum-encoding=int" in call.query.get("$alt", "") else body


def _answer(store: Store, place: Nodes, call: Call) -> Body:
    name = "/".join([parent(store, call.path), *call.path.split("/")[6:]])
    if call.method != "GET":
        raise RefusedError(501, f"the stand-in's metadata are read alone, not {call.method}")
    if call.verb:
        if call.verb not in QUERIES:
            raise RefusedError(501, f"the stand-in has no {call.verb} of metadata")
        return QUERIES[call.verb](place, name, call.query)
    segments = call.path.split("/")
    if len(segments) == 6:
        return {"name": name}
    if len(segments) == 7:
        return _listing(store, place, call)
    return _get(place, name)


def _get(place: Nodes, name: str) -> Body:
    collection = name.split("/")[-2]
    if name not in place.of(collection):
        raise RefusedError(404, f"{name} was not found.")
    return place.of(collection)[name]


def _listing(store: Store, place: Nodes, call: Call) -> Body:
    collection = call.path.split("/")[-1]
    query = call.query
    size = int(query.get("pageSize", 0)) or PAGE
    if not 1 <= size <= LARGEST:
        raise RefusedError(400, f"page_size must be in 1..{LARGEST}, not {size}")
    condition = _filter(place, collection).condition(query.get("filter", ""))
    bodies = [body for body in place.of(collection).values() if condition(body)]
    start = _start(query)
    if store.empty_first_pages and "pageToken" not in query:
        return {"nextPageToken": _token(query, 0)}
    answer: Body = {collection: bodies[start : start + size]}
    if start + size < len(bodies):
        answer["nextPageToken"] = _token(query, start + size)
    return answer


def _filter(place: Nodes, collection: str) -> Filter:
    def is_in(body: Body, context: str) -> bool:
        return body["name"] in place.members.get(context, ())

    fields = FILTERED.get(collection, FIELDS)
    return Filter(fields, is_in if collection in FILTERED else None, has_metadata=True)


def _token(query: Mapping[str, str], start: int) -> str:
    content = json.dumps([start, _parameters(query)])
    return base64.urlsafe_b64encode(content.encode()).decode()


def _start(query: Mapping[str, str]) -> int:
    """The place of the page: all other parameters must match the call that gave the token."""
    if "pageToken" not in query:
        return 0
    try:
        start, parameters = json.loads(base64.urlsafe_b64decode(query["pageToken"]))
    except ValueError as error:
        raise RefusedError(400, "Invalid page_token.") from error
    if parameters != _parameters(query):
        raise RefusedError(400, "page_token was given for other parameters.")
    return int(start)


def _parameters(query: Mapping[str, str]) -> str:
    parameters = {name: value for name, value in query.items() if name != "pageToken"}
    content = json.dumps(parameters, sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()


def lineage_of_artifact(place: Nodes, name: str, query: Mapping[str, str]) -> Body:
    """The graph as many hops around the artifact as asked for; all of it without a number.

    Whether the other artifacts of an execution that is one hop away belong to it is not documented;
    here they do not.
    """
    _get(place, name)
    hops = int(query["maxHops"]) if "maxHops" in query else None
    if hops is not None and hops < 0:
        raise RefusedError(400, f"max_hops must not be negative, but is {hops}")
    condition = _filter(place, "artifacts").condition(query.get("filter", ""))
    names, border = {name}, {name}
    while border and hops != 0:
        border = {each for each in _beside(place, border) if _fits(place, each, condition)} - names
        names |= border
        hops = None if hops is None else hops - 1
    return _graph(place, names)


def _beside(place: Nodes, border: set[str]) -> Iterable[str]:
    for event in place.events.values():
        if event["artifact"] in border:
            yield event["execution"]
        if event["execution"] in border:
            yield event["artifact"]


def _fits(place: Nodes, name: str, condition: Callable[[Body], bool]) -> bool:
    return name in place.executions or condition(place.artifacts[name])


def lineage_of_execution(place: Nodes, name: str, query: Mapping[str, str]) -> Body:
    """404 where it has no artifacts: https://github.com/googleapis/python-aiplatform/pull/326."""
    _get(place, name)
    names = {event["artifact"] for event in place.events.values() if event["execution"] == name}
    if not names:
        raise RefusedError(404, f"{name} has no artifacts.")
    return _graph(place, {name, *names})


def lineage_of_context(place: Nodes, name: str, query: Mapping[str, str]) -> Body:
    _get(place, name)
    return _graph(place, place.members[name])


def _graph(place: Nodes, names: set[str]) -> Body:
    graph: dict[str, Sequence[Body]] = {
        "artifacts": [body for name, body in place.artifacts.items() if name in names],
        "executions": [body for name, body in place.executions.items() if name in names],
        "events": [
            event
            for event in place.events.values()
            if {event["artifact"], event["execution"]} <= names
        ],
    }
    for kind, bodies in graph.items():
        if len(bodies) > LARGEST:
            raise RefusedError(
                400,
                f"The number of {kind} in the lineage exceeds {LARGEST}.",
                "FAILED_PRECONDITION",
            )
    return dict(graph)


QUERIES = {
    "queryArtifactLineageSubgraph": lineage_of_artifact,
    "queryExecutionInputsAndOutputs": lineage_of_execution,
    "queryContextLineageSubgraph": lineage_of_context,
}


def _with_numbers(body: Body) -> Body:
    """The body with enums as the numbers that Google's client asks for."""
    encoded = dict(body)
    for collection, names in ENUMS.items():
        if collection in body:
            encoded[collection] = [_numbered(each, "state", names) for each in body[collection]]
        elif f"/{collection}/" in body.get("name", ""):
            encoded = _numbered(body, "state", names)
    if "events" in body:
        encoded["events"] = [_numbered(each, "type", EVENTS) for each in body["events"]]
    return encoded


def _numbered(body: Body, name: str, names: Sequence[str]) -> Body:
    return {**body, name: names.index(body[name])} if name in body else body
