"""Hops of Vertex ML Metadata: an artifact's executions, or an execution's artifacts."""

from dataclasses import dataclass
from operator import itemgetter

from pipeline.lineage.graph import Artifact, Execution, Json
from pipeline.lineage.task_graph import artifact_of, time_of

INPUT, OUTPUT = "INPUT", "OUTPUT"  # of an execution
STATES = {"COMPLETE": "ran", "CACHED": "cached", "FAILED": "failed"}
INTERRUPTED = "interrupted"

Side = dict[str, list[Artifact]]  # by an execution's keys


@dataclass(frozen=True)
class Hop:
    """A LineageSubgraph in the API's JSON."""

    fields: Json

    def executions(self, artifact: str, direction: str) -> list[Json]:
        """The artifact's executions of the direction, the oldest first, without cached ones.

        A cached one's outputs lie in an older run, so that they do not tell its own run.
        """
        names = set()
        for event in self._events(direction):
            if event["artifact"] == artifact:
                name = event["execution"]
                names.add(name)
        executions = []
        for execution in self.fields["executions"]:
            is_cached = execution["state"] == "CACHED"
            if execution["name"] in names and not is_cached:
                executions.append(execution)
        return sorted(executions, key=itemgetter("createTime"))

    def beside(self, artifact: str) -> set[str]:
        """The artifacts of the artifact's executions, itself among them."""
        events = self.fields["events"]
        pairs = [(event["artifact"], event["execution"]) for event in events]
        executions = {execution for name, execution in pairs if name == artifact}
        return {name for name, execution in pairs if execution in executions}

    def side(self, direction: str) -> Side:
        """An execution's inputs or outputs by its keys, "" where an event does not name one."""
        artifacts = {}
        for document in self.fields["artifacts"]:
            artifact = artifact_of(document)
            artifacts[artifact.id] = artifact
        side: Side = {}
        for event in self._events(direction):
            labels = event.get("labels", {})
            key = labels.get("name", "")
            name = event["artifact"]
            artifact = artifacts[name]
            group = side.setdefault(key, [])
            group.append(artifact)
        return side

    def _events(self, direction: str) -> list[Json]:
        events = self.fields["events"]
        return [event for event in events if event["type"] == direction]


def execution_of(fields: Json, run: str | None) -> Execution:
    """An execution whose job was deleted, so that its metadata alone tell of it."""
    state = fields["state"]
    creation = fields["createTime"]
    return Execution(
        id=fields["name"],
        node=fields["displayName"],
        run=run or "",
        state=STATES.get(state, INTERRUPTED),
        started=time_of(creation),
        properties=fields["metadata"],
    )
