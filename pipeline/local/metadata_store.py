"""Stands in for Vertex ML Metadata in a rehearsal.

It keeps the artifacts that resolvers ask for, and the executions, so that none is done twice.
"""

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
    """A store in one file, shared with later rehearsals of the same pipeline."""

    def __init__(self, file: Path) -> None:
        self.file = file
        content: Json = {"artifacts": [], "executions": {}}
        if file.exists():
            content = json.loads(file.read_text())
        self.artifacts: list[Json] = content["artifacts"]
        self.executions: dict[str, Outputs] = content["executions"]  # by their key
        self._writing = threading.Lock()  # steps end side by side

    def query(self, text: str, inputs: Outputs) -> list[Json]:
        """The newest artifact for a resolver's filter."""
        if "{{$" in text:
            if not inputs.get("input"):
                return []
            text = re.sub(
                r"\{\{\$\.inputs\.artifacts\['input'\]\.metadata\['(\w+)'\]\}\}",
                lambda m: str(inputs["input"][0]["metadata"][m[1]]),
                text,
            )
        clauses = text.split(" AND ")
        matches = [a for a in self.artifacts if all(_holds(clause, a) for clause in clauses)]
        return matches[-1:]

    def imported(self, uri: str, type_: Json) -> Json | None:
        """The artifact of this type at this address, or None."""
        return next((a for a in self.artifacts if (a["uri"], a["type"]) == (uri, type_)), None)

    def execution(self, key: str) -> Outputs | None:
        """The outputs of the execution with this key, or None.

        None, too, where somebody has removed the folder that it worked in.
        """
        outputs = self.executions.get(key)
        if outputs is None:
            return None
        artifacts = [artifact for group in outputs.values() for artifact in group]
        complete = all(Path(artifact["uri"]).parent.exists() for artifact in artifacts)
        return outputs if complete else None

    def remember(self, made: Outputs, key: str | None = None) -> None:
        """Store the artifacts, and under `key` the execution behind them."""
        with self._writing:
            self.artifacts += [artifact for artifacts in made.values() for artifact in artifacts]
            if key:
                self.executions[key] = made
            content = {"artifacts": self.artifacts, "executions": self.executions}
            write(self.file, json.dumps(content, indent=1))


def execution_key(component: Json, container: Json, parameters: Json, artifacts: Outputs) -> str:
    """A step's key in Vertex's execution caching.

    It covers the inputs' values and artifacts, the outputs' definition, the image, the command and
    the arguments.

    cloud.google.com/vertex-ai/docs/pipelines/configure-caching
    """
    names = {key: [artifact["name"] for artifact in group] for key, group in artifacts.items()}
    parts = [parameters, names, component.get("outputDefinitions"), container]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _holds(clause: str, artifact: Json) -> bool:
    key, value = clause.split("=", 1)
    value = value.strip('"')
    if key == "schema_title":
        return f"title: {value}\n" in artifact["type"].get("instanceSchema", "")
    if key == "name":
        return bool(artifact["name"] == value)
    if key.startswith("metadata."):
        _, name, kind = key.split(".")
        property_ = artifact["metadata"].get(name)
        if property_ is None:
            return False
        if kind == "number_value":
            return float(property_) == float(value)
        return bool(property_ == value)
    return clause == "state=LIVE"
