"""What one metadata store of Vertex holds: artifacts, executions, contexts, and events between."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from tests.standins.google.error import RefusedError
from tests.standins.google.store import Body, Store, now

LARGEST = 1000  # of each kind in a lineage
Condition = Callable[[Body], bool]


@dataclass
class Nodes:
    """All nodes are by their full names."""

    artifacts: dict[str, Body] = field(default_factory=dict)
    executions: dict[str, Body] = field(default_factory=dict)
    contexts: dict[str, Body] = field(default_factory=dict)
    events: dict[tuple[str, str, str], Body] = field(default_factory=dict)
    # of executions, by the context of their run and their task
    names: dict[tuple[str, str], str] = field(default_factory=dict)
    # the artifacts and executions of each context
    members: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def of(self, collection: str) -> dict[str, Body]:
        if collection not in ("artifacts", "executions", "contexts"):
            raise RefusedError(501, f"the stand-in has no {collection} of metadata")
        nodes: dict[str, Body] = getattr(self, collection)
        return nodes

    def get(self, name: str) -> Body:
        *_, collection, _ = name.split("/")
        nodes = self.of(collection)
        if name not in nodes:
            raise RefusedError(404, f"{name} was not found.")
        return nodes[name]

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

    def around(self, name: str, hops: int | None, condition: Condition) -> set[str]:
        """The names as many hops around an artifact; all that it is joined with without a number.

        Whether the other artifacts of an execution that is one hop away belong to it is not
        documented; here they do not.
        """
        names, border = {name}, {name}
        while border and hops != 0:
            border = {each for each in self._beside(border) if self._meets(each, condition)}
            border -= names
            names |= border
            hops = None if hops is None else hops - 1
        return names

    def of_execution(self, name: str) -> set[str]:
        """The names of an execution's artifacts."""
        events = self.events.values()
        return {event["artifact"] for event in events if event["execution"] == name}

    def graph(self, names: set[str]) -> Body:
        """A LineageSubgraph of these nodes."""
        graph = {
            "artifacts": _named(self.artifacts, names),
            "executions": _named(self.executions, names),
            "events": list(self._between(names)),
        }
        for kind, bodies in graph.items():
            if len(bodies) > LARGEST:
                message = f"The number of {kind} in the lineage exceeds {LARGEST}."
                raise RefusedError(400, message, "FAILED_PRECONDITION")
        return dict(graph)

    def _between(self, names: set[str]) -> Iterator[Body]:
        for event in self.events.values():
            ends = {event["artifact"], event["execution"]}
            if ends <= names:
                yield event

    def _beside(self, border: set[str]) -> Iterator[str]:
        for event in self.events.values():
            if event["artifact"] in border:
                yield event["execution"]
            if event["execution"] in border:
                yield event["artifact"]

    def _meets(self, name: str, condition: Condition) -> bool:
        """A lineage's condition is one of its artifacts."""
        return name in self.executions or condition(self.artifacts[name])


def nodes(store: Store, project: str, location: str) -> Nodes:
    """The store of a project, which may be named by its number, and of a region."""
    number = number_of(store, project)
    stores: dict[tuple[str, str], Nodes] = store.metadata
    return stores.setdefault((number, location), Nodes())


def number_of(store: Store, project: str) -> str:
    return project if project.isdigit() else store.project_number(project)


def _named(bodies: dict[str, Body], names: set[str]) -> list[Body]:
    return [body for name, body in bodies.items() if name in names]
