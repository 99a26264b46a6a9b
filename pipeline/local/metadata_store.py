"""Stands in for Vertex ML Metadata in a rehearsal.

It keeps the artifacts that resolvers ask for, and the executions, so that none is done twice.
"""

import hashlib
import itertools
import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline import manifest
from pipeline.errors import RunError
from pipeline.local.store import write

Json = dict[str, Any]
Outputs = dict[str, list[Json]]  # output key -> runtime artifacts

# In a resolver's filter: a property of the artifact that the resolver gets.
PROPERTY = re.compile(r"\{\{\$\.inputs\.artifacts\['input'\]\.metadata\['(\w+)'\]\}\}")


class MetadataStore:
    """A store in one file, shared with later rehearsals of the same pipeline."""

    def __init__(self, file: Path) -> None:
        self.file = file
        content: Json = {"artifacts": [], "executions": {}}
        if file.exists():
            content = _content(file)
        self.artifacts: list[Json] = content["artifacts"]
        self.executions: dict[str, Outputs] = content["executions"]  # by their key
        self._writing = threading.Lock()  # steps end side by side

    def query(self, text: str, inputs: Outputs) -> list[Json]:
        """The newest whole artifact for a resolver's filter."""
        if "{{$" in text:
            input_artifacts = inputs.get("input")
            if not input_artifacts:
                return []
            text = _with_properties(text, input_artifacts[0])
        matches = self.artifacts
        for clause in text.split(" AND "):
            matches = [artifact for artifact in matches if _holds(clause, artifact)]
        newest_first = reversed(matches)
        return list(itertools.islice(filter(_is_whole, newest_first), 1))

    def imported(self, uri: str, type_: Json) -> Json | None:
        """The artifact of this type at this address, or None."""
        for artifact in self.artifacts:
            if artifact["uri"] == uri and artifact["type"] == type_:
                return artifact
        return None

    def execution(self, key: str) -> Outputs | None:
        """The outputs of the execution with this key, or None.

        None, too, where one of them is no longer what was made.
        """
        outputs = self.executions.get(key)
        if outputs is None:
            return None
        artifacts = itertools.chain.from_iterable(outputs.values())
        return outputs if all(map(_is_whole, artifacts)) else None

    def remember(self, made: Outputs, key: str | None = None) -> None:
        """Store the artifacts, and under `key` the execution behind them."""
        with self._writing:
            self.artifacts += itertools.chain.from_iterable(made.values())
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
    names = {}
    for key, group in artifacts.items():
        names[key] = [artifact["name"] for artifact in group]
    parts = [parameters, names, component.get("outputDefinitions"), container]
    text = json.dumps(parts, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _content(file: Path) -> Json:
    """The file's content, with addresses in the store's present folder."""
    try:
        text = file.read_text(encoding="utf-8")
        content: Json = json.loads(text)
        folders = {_root(artifact["uri"]) for artifact in content["artifacts"]}
        executions = content["executions"]
        list(_all_artifacts(executions))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise RunError(
            f"{file} is damaged ({error!r:.80}): remove it and rehearse again, "
            "which makes all anew; what is published stays"
        ) from error
    for root in folders - {None, str(file.parent)}:
        for artifact in [*content["artifacts"], *_all_artifacts(executions)]:
            artifact["uri"] = _moved(artifact["uri"], root, str(file.parent))
    return content


def _root(uri: str) -> str | None:
    """The folder above an artifact's rehearsals; None for an imported artifact."""
    root, separator, _ = uri.rpartition("/rehearsals/")
    return root if separator else None


def _moved(uri: str, old: str | None, new: str) -> str:
    return new + uri.removeprefix(f"{old}") if uri.startswith(f"{old}/") else uri


def _all_artifacts(executions: dict[str, Outputs]) -> Iterator[Json]:
    for outputs in executions.values():
        yield from itertools.chain.from_iterable(outputs.values())


def _is_whole(artifact: Json) -> bool:
    """Whether the artifact matches its manifest, or exists if it was imported."""
    folder = Path(artifact["uri"])
    if _root(artifact["uri"]) is None:
        return folder.exists()
    return manifest.problem(folder, manifest.beside(folder)) is None


def _with_properties(text: str, artifact: Json) -> str:
    """The filter with the artifact's properties written out."""
    properties = artifact["metadata"]

    def value(placeholder: re.Match[str]) -> str:
        name = placeholder[1]
        return str(properties[name])

    return PROPERTY.sub(value, text)


def _holds(clause: str, artifact: Json) -> bool:
    key, value = clause.split("=", 1)
    value = value.strip('"')
    if key == "schema_title":
        schema = artifact["type"].get("instanceSchema", "")
        return f"title: {value}\n" in schema
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
