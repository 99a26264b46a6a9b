"""Hops of Vertex ML Metadata: an artifact's executions, or an execution's artifacts."""

from dataclasses import dataclass
from operator import itemgetter

from pipeline.lineage.graph import Artifact, Execution, Json
from pipeline.lineage.task_graph import artifact_of, time_of

INPUT, OUTPUT = "INPUT", "OUTPUT"  # of an execution
STATES = {"COMPLETE": "ran", "CACHED": "cached", "FAILED": "failed"}
INTERRUPTED = "interrupted"


@dataclass(frozen=True)
class Hop:
    """A LineageSubgraph in the API's JSON."""

    fields: Json

    def executions(self, artifact: str, direction: str) -> list[Json]:
        """The artifact's executions of the direction, the oldest first, without cached ones.

        A cached one's outputs lie in an older run, so that they do not tell its own run.
        """
        events = [each for each in self._events(direction) if each["artifact"] == artifact]
        names = {event["execution"] for event in events}
        executions = [
            fields
            for fields in self.fields["executions"]
            if fields["name"] in names and fields["state"] != "CACHED"
        ]
        return sorted(executions, key=itemgetter("createTime"))

    def beside(self, artifact: str) -> set[str]:
        """The artifacts of the artifact's executions, itself among them."""
        events = self.fields["events"]
        executions = {event["execution"] for event in events if event["artifact"] == artifact}
        return {event["artifact"] for event in events if event["execution"] in executions}

    def side(self, direction: str) -> dict[str, list[Artifact]]:
        """An execution's inputs or outputs by its keys, "" where an event does not name one."""
        artifacts = {fields["name"]: artifact_of(fields) for fields in self.fields["artifacts"]}
        side: dict[str, list[Artifact]] = {}
        for event in self._events(direction):
            labels = event.get("labels", {})
            group = side.setdefault(labels.get("name", ""), [])
            name = event["artifact"]
            group.append(artifacts[name])
        return side

    def _events(self, direction: str) -> list[Json]:
        return [event for event in self.fields["events"] if event["type"] == direction]


def execution_of(fields: Json, run: str | None) -> Execution:
    """An execution whose job was deleted, so that its metadata alone tell of it."""
    return Execution(
        id=fields["name"],
        node=fields["displayName"],
        run=run or "",
        state=STATES.get(fields["state"], INTERRUPTED),
        started=time_of(fields["createTime"]),
        properties=fields["metadata"],
    )
