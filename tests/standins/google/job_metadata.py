"""Writes what a pipeline job did into Vertex ML Metadata, as Vertex Pipelines does.

Contexts of the pipeline and of the run, an execution a task, its artifacts and the events between.
A task of the cache gets an execution of its own, CACHED, around an older run's artifacts. The form
of an artifact is that of executor_invocation.json and expected_output_metadata.json in
tfx/orchestration/kubeflow/v2/container/testdata.
"""

import json
import re
from typing import Any

from tests.standins.google.error import RefusedError
from tests.standins.google.metadata import parent
from tests.standins.google.metadata_contexts import METADATA_BYTES
from tests.standins.google.metadata_nodes import Nodes, nodes
from tests.standins.google.store import Body, Key, Store, now

STATES = {
    "SUCCEEDED": "COMPLETE",
    "SKIPPED": "CACHED",
    "FAILED": "FAILED",
    "CANCELLED": "CANCELLED",
}
SCHEMAS = {
    "resolver": "system.ResolverExecution",
    "importer": "system.ImporterExecution",
    "container": "system.ContainerExecution",
    "customJob": "system.CustomJobExecution",
}
TITLE = re.compile(r"title: *(\S+)")
NAME = re.compile(r"projects/[^/]+/locations/[^/]+/metadataStores/[^/]+/(artifacts/[^/]+)")
RUN = "system.PipelineRun"


def write(store: Store, job_name: str, details: list[Body]) -> Body:
    """The job's jobDetail of its tasks' `details`, after the store has them."""
    key = Key("vertex_ai", job_name)
    job = store.get(key)
    _, project, _, location, *_ = job_name.split("/")
    root = parent(store, f"{job_name.rpartition('/pipelineJobs')[0]}/metadataStores/default")
    place = nodes(store, project, location)
    pipeline = job["pipelineSpec"]["pipelineInfo"]["name"]
    pipeline_context = _context(place, f"{root}/contexts/{pipeline}", "system.Pipeline", [])
    parents = [pipeline_context["name"]]
    run_context = _context(place, f"{root}/contexts/{key.id}", RUN, parents)
    writer = _Writer(store, place, root, job, run_context["name"])
    for detail in details:
        writer.make(detail)
    return {
        "pipelineContext": pipeline_context,
        "pipelineRunContext": run_context,
        "taskDetails": [writer.task(detail) for detail in details],
    }


class _Writer:
    def __init__(self, store: Store, place: Nodes, root: str, job: Body, context: str) -> None:
        self.store, self.place, self.root, self.job, self.context = store, place, root, job, context
        self.run = job["name"].split("/")[-1]
        self.spec = job["pipelineSpec"]

    def make(self, detail: Body) -> None:
        """Store what the task has made, before others have read it."""
        for group in detail.get("outputs", {}).values():
            for fields in group["artifacts"]:
                self._artifact(fields)

    def task(self, detail: Body) -> Body:
        """The detail with its execution and with its artifacts by the store's names."""
        execution = self._execution(detail)
        sides: Body = {}
        for side, type_ in (("inputs", "INPUT"), ("outputs", "OUTPUT")):
            sides[side] = {}
            for key, group in detail.get(side, {}).items():
                bodies = [self._artifact(fields) for fields in group["artifacts"]]
                sides[side][key] = {"artifacts": bodies}
                for body in bodies:
                    self.place.connect(body["name"], execution["name"], type_, key)
        return {**detail, **sides, "execution": execution}

    def _execution(self, detail: Body) -> Body:
        task = detail["taskName"]
        name = self._name_of_execution(task)
        existing_execution = self.place.executions.get(name, {})
        created = existing_execution.get("createTime", now())
        execution = {
            "name": name,
            "displayName": task,
            "state": STATES.get(detail.get("state", ""), "RUNNING"),
            "schemaTitle": self._schema(task),
            "schemaVersion": "0.0.1",
            "createTime": created,
            "updateTime": now(),
            "metadata": {},
        }
        self.place.executions[name] = execution
        self.place.members[self.context].add(name)
        return execution

    def _name_of_execution(self, task: str) -> str:
        new_name = f"{self.root}/executions/{next(self.store.numbers)}"
        return self.place.names.setdefault((self.context, task), new_name)

    def _schema(self, task: str) -> str:
        """The execution's type by the executor of the task; the job itself is a task, too."""
        tasks = self.spec["root"]["dag"]["tasks"]
        if task not in tasks:
            return "system.Run"
        component = self.spec["components"][tasks[task]["componentRef"]["name"]]
        executor = self.spec["deploymentSpec"]["executors"][component["executorLabel"]]
        return next(schema for kind, schema in SCHEMAS.items() if kind in executor)

    def _artifact(self, fields: Body) -> Body:
        name = self._numbered(fields["name"])
        metadata = _struct(fields.get("metadata", {}), self._numbered)
        if len(json.dumps(metadata)) > METADATA_BYTES:
            raise RefusedError(400, f"the metadata of {name} exceed 200 KB.")
        body = {
            "name": name,
            "uri": fields.get("uri", ""),
            "state": "LIVE",
            "schemaTitle": _title(fields),
            "schemaVersion": "0.0.1",
            "createTime": now(),
            "updateTime": now(),
            "metadata": metadata,
        }
        self.place.members[self.context].add(name)
        return self.place.artifacts.setdefault(name, body)

    def _numbered(self, text: str) -> str:
        """The name of an artifact in this store; any other text as it is."""
        match = NAME.fullmatch(text)
        return f"{self.root}/{match[1]}" if match else text


def _context(place: Nodes, name: str, title: str, parents: list[str]) -> Body:
    body = {
        "name": name,
        "displayName": name.split("/")[-1],
        "schemaTitle": title,
        "schemaVersion": "0.0.1",
        "parentContexts": parents,
        "createTime": now(),
        "updateTime": now(),
        "metadata": {},
    }
    return place.contexts.setdefault(name, body)


def _title(fields: Body) -> str:
    if title := fields.get("schemaTitle"):
        return str(title)
    type_ = fields.get("type", {})
    match = TITLE.match(type_.get("instanceSchema", ""))
    return match[1] if match else str(type_.get("schemaTitle", "system.Artifact"))


def _struct(value: Any, numbered: Any) -> Any:
    """The value as a Struct holds it: all numbers are doubles."""
    if isinstance(value, dict):
        return {name: _struct(part, numbered) for name, part in value.items()}
    if isinstance(value, list):
        return [_struct(part, numbered) for part in value]
    if isinstance(value, str):
        return numbered(value)
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value
