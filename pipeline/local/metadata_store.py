"""What stands in for Vertex ML Metadata in a rehearsal: the artifacts that resolvers ask for, and the executions that are not done twice."""

import hashlib
import json
import re
import threading
from pathlib import Path
from typing import Any

from pipeline.local.store import write

Json = dict[str, Any]
Outputs = dict[str, list[Json]]  # output key -> runtime artifacts


class MetadataStore:
    """Kept in one file, which later rehearsals of the same pipeline find."""

    def __init__(self, file: Path) -> None:
        self.file = file
        kept = (
            json.loads(file.read_text()) if file.exists() else {"artifacts": [], "executions": {}}
        )
        self.artifacts: list[Json] = kept["artifacts"]
        self.executions: dict[str, Outputs] = kept["executions"]  # by their key
        self._writing = threading.Lock()  # steps end side by side

    def query(self, text: str, inputs: Outputs) -> list[Json]:
        """The newest artifact that a resolver's filter finds."""
        if "{{$" in text:
            if not inputs.get("input"):
                return []
            text = re.sub(
                r"\{\{\$\.inputs\.artifacts\['input'\]\.metadata\['(\w+)'\]\}\}",
                lambda m: str(inputs["input"][0]["metadata"][m[1]]),
                text,
            )
        return [
            a for a in self.artifacts if all(_holds(clause, a) for clause in text.split(" AND "))
        ][-1:]

    def imported(self, uri: str, type_: Json) -> Json | None:
        """The artifact of that type at that address, None where there is none yet."""
        return next((a for a in self.artifacts if (a["uri"], a["type"]) == (uri, type_)), None)

    def execution(self, key: str) -> Outputs | None:
        """What the execution of that key made, None where there was none or where somebody has removed the folder that it worked in."""
        made = self.executions.get(key)
        there = made is not None and all(
            Path(artifact["uri"]).parent.exists() for found in made.values() for artifact in found
        )
        return made if there else None

    def remember(self, made: Outputs, key: str | None = None) -> None:
        """These artifacts, and that the execution of that key has made them."""
        with self._writing:
            self.artifacts += [artifact for found in made.values() for artifact in found]
            if key:
                self.executions[key] = made
            write(
                self.file,
                json.dumps({"artifacts": self.artifacts, "executions": self.executions}, indent=1),
            )


def execution_key(component: Json, container: Json, parameters: Json, artifacts: Outputs) -> str:
    """What Vertex's execution caching tells a step by: its inputs' values and artifacts, its outputs' definition, its image, command and arguments.

    cloud.google.com/vertex-ai/docs/pipelines/configure-caching
    """
    names = {key: [artifact["name"] for artifact in found] for key, found in artifacts.items()}
    return hashlib.sha256(
        json.dumps(
            [parameters, names, component.get("outputDefinitions"), container], sort_keys=True
        ).encode()
    ).hexdigest()


def _holds(clause: str, artifact: Json) -> bool:
    key, value = clause.split("=", 1)
    value = value.strip('"')
    if key == "schema_title":
        return f"title: {value}\n" in artifact["type"].get("instanceSchema", "")
    if key == "name":
        return bool(artifact["name"] == value)
    if key.startswith("metadata."):
        _, name, kind = key.split(".")
        found = artifact["metadata"].get(name)
        return found is not None and (
            float(found) == float(value) if kind == "number_value" else found == value
        )
    return clause == "state=LIVE"
