"""A stand-in for Vertex Pipelines: it rehearses a submitted job's local twin here.

The cloud Pusher's own code pushes what the twin blesses. `VertexPipelines(google, repository,
environment, place).run` is a hook for GoogleApis.on_pipeline_job. It does not prove containers,
BigQuery, Dataflow.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

from google.cloud import storage

from tests.standins.cloud_build.recipes import checkout
from tests.standins.google.apis import GoogleApis
from tests.standins.google.store import now
from tests.standins.twin import Twin

Json = dict[str, Any]
MODULE = re.compile(r"gs://[\w-]+/modules/\w+/[0-9a-f]{64}(?:/[\w.]+)?")
PUSH = """
import json, sys
from pipeline.components.vertex_pusher import push
from pipeline.spec import VertexDestination
uri, destination, digest = sys.argv[1:]
version, new = push(uri, VertexDestination(**json.loads(destination)), digest)
print("pushed", version.resource_name, int(new), version.version_id)
"""


@dataclass
class VertexPipelines:
    """`run` ends each job as its twin ends; `trained` counts the twins.

    A job of the same modules and the same `end` is taken from the cache, as on Vertex.
    """

    google: GoogleApis
    repository: Path
    environment: dict[str, str]
    # Below it each model of each project keeps what its jobs make. The next job takes its steps
    # from there where they are the same.
    place: Path
    trained: list[str] = field(default_factory=list)  # the models, in the order of their jobs
    fail_next: str = ""  # the node at which the next job fails
    # Before this day the rows of the next twins end. A job's own window ends today, which the rows
    # of a file never reach; without a day a twin has them all.
    end: date | None = None
    _twins: dict[str, Twin] = field(default_factory=dict)  # by the day and the modules' names
    _runs: dict[str, str] = field(default_factory=dict)  # the job of each rehearsal

    def run(self, job: Json) -> None:
        tasks = nodes(job)
        end(self.google, job, "RUNNING", tasks, "RUNNING")
        try:
            if self.fail_next:
                node, self.fail_next = self.fail_next, ""
                return failed(self.google, job, node, f"{node} was made to fail")
            twin, is_new = self._twin(job)
            twin = self._placed(job, twin)
            details = twin.details(bucket(job), cached=not is_new)
            if twin.failed:
                return failed(self.google, job, twin.failed, "the twin failed", details)
            if not twin.published:
                return refused(self.google, job, details)
            pushed = self._pushed(job, twin)
            succeeded(self.google, job, pushed, details)
        except Exception as error:
            failed(self.google, job, tasks[0], f"the stand-in failed: {error}")
            raise

    def _twin(self, job: Json) -> tuple[Twin, bool]:
        """The job's twin, and whether it is rehearsed for this job."""
        names = sorted(blob_name(uri) for uri in modules(job))
        key = json.dumps([str(self.end), *names])  # the same in every stage's bucket
        is_new = key not in self._twins
        if is_new:
            twin = self._train(job)
            if not twin.published:
                return twin, True  # the next job of the same modules tries again
            self._twins[key] = twin
        return self._twins[key], is_new

    def _placed(self, job: Json, twin: Twin) -> Twin:
        """The twin with its artifacts below the job that made them."""
        *_, run = job["name"].split("/")
        self._runs.setdefault(twin.rehearsal, run)
        folder = blob_name(job["runtimeConfig"]["gcsOutputDirectory"])
        return replace(twin, folder=folder, runs=self._runs)

    def _train(self, job: Json) -> Twin:
        """Train the twin in a checkout of the job's commit."""
        model = job["labels"]["model"]
        commit = job["labels"]["commit"]
        self.trained.append(model)
        folder = self.place / bucket(job) / model
        with checkout(self.repository, commit) as place:
            return self._rehearsed(job, place.files, folder)

    def _rehearsed(self, job: Json, files: Path, folder: Path) -> Twin:
        model = folder / job["labels"]["model"]
        shutil.rmtree(model, ignore_errors=True)
        shutil.copytree(files / "models" / model.name, model)
        for uri in modules(job):  # what the job names, and not what the checkout happens to hold
            _download(uri, bucket(job), model)

        runs = folder / "runs"
        paths = ("--runs", str(runs), "--output", str(folder))
        window = () if self.end is None else ("--end", str(self.end))
        command = [sys.executable, "-m", "pipeline", "compile", f"{model}/", "--env", "local"]
        process = self._process([*command, *paths, *window, "--json"], files, cwd=files)
        [spec] = json.loads(_output(process, (0,)))
        command = [sys.executable, "-m", "pipeline", "rehearse", spec]
        _output(self._process(command, files, cwd=files), (0, 1, 3))  # 1: a task has failed
        return Twin.newest(runs / "rehearsal" / model.name)

    def _pushed(self, job: Json, twin: Twin) -> Json:
        """The properties of the cloud Pusher's pushed model, by the job's parameters."""
        uri, digest = twin.put_model(bucket(job))
        pusher = dag(job)["tasks"]["Pusher"]
        parameter = pusher["inputs"]["parameters"]["custom_config"]
        config = json.loads(parameter["runtimeValue"]["constant"])
        destination = json.dumps(config["destination"])
        command = [sys.executable, "-c", PUSH, uri, destination, digest]
        process = self._process(command, self.repository)
        *_, resource_name, new, version = _output(process, (0,)).split()
        return pushed_version(version, resource_name, new=int(new))

    def _process(
        self, command: list[str], files: Path, cwd: Path | None = None
    ) -> "subprocess.CompletedProcess[str]":
        """Run a command with its imports from `files`."""
        variables = {**os.environ, **self.environment, "PYTHONPATH": str(files)}
        return subprocess.run(command, cwd=cwd, env=variables, capture_output=True, text=True)


def _download(uri: str, bucket_name: str, model: Path) -> None:
    """Put a module of the bucket into the model's folder."""
    *_, name = uri.rsplit("/", 1)
    target = model / name
    if name == "best.json":
        target = model / "hyperparameters" / name
    client = storage.Client(project="p")
    blob = client.bucket(bucket_name).blob(blob_name(uri))
    content = blob.download_as_bytes()
    target.write_bytes(content)


def modules(job: Json) -> list[str]:
    """The addresses of the modules in a job's parameters, whichever they are.

    Of the hyperparameters a job names the folder.
    """
    addresses = set(MODULE.findall(json.dumps(job)))
    return sorted(_module_of(address) for address in addresses)


def _module_of(address: str) -> str:
    *_, name = address.rsplit("/", 1)
    if "." in name:
        return address
    return f"{address}/best.json"


def blob_name(uri: str) -> str:
    """The part of gs://BUCKET/NAME after the bucket."""
    *_, name = uri.split("/", 3)
    return name


def dag(job: Json) -> Json:
    root = job["pipelineSpec"]["root"]
    return root["dag"]


def nodes(job: Json) -> list[str]:
    return list(dag(job)["tasks"])


def bucket(job: Json) -> str:
    root = str(job["runtimeConfig"]["gcsOutputDirectory"])
    return root.split("/")[2]


def pushed_version(version: str, resource_name: str, *, new: int) -> Json:
    """The properties of a pushed model, as TFX's and our Pusher write them."""
    properties = {"pushed_version": version, "pushed_destination": resource_name}
    return {"pushed": 1, "new": new, **properties}


def succeeded(google: GoogleApis, job: Json, pushed: Json, details: Sequence[Json] = ()) -> None:
    _ended_well(google, job, pushed, details)


def refused(google: GoogleApis, job: Json, details: Sequence[Json] = ()) -> None:
    _ended_well(google, job, {"pushed": 0}, details)


def judged(google: GoogleApis, job: Json, details: Sequence[Json]) -> None:
    """End a job that has no Pusher; `details` are what its tasks have read and made."""
    end(google, job, "SUCCEEDED", nodes(job), "SUCCEEDED", details)


def failed(
    google: GoogleApis, job: Json, node: str, message: str, details: Sequence[Json] = ()
) -> None:
    """End the job at the node, without a state for tasks not yet begun."""
    error = {"code": 9, "message": message}
    end(google, job, "FAILED", [node], "FAILED", details, error=error)


def _ended_well(google: GoogleApis, job: Json, pushed: Json, details: Sequence[Json]) -> None:
    """End the job with the Pusher's artifact beside what the twin's Pusher read."""
    *_, run = job["name"].split("/")
    root = job["runtimeConfig"]["gcsOutputDirectory"]
    parent, _, _ = job["name"].rpartition("/pipelineJobs/")
    artifact = {
        "name": f"{parent}/metadataStores/default/artifacts/{run}-pushed",
        "uri": f"{root}/{run}/Pusher/pushed_model",
        "metadata": pushed,
        "schemaTitle": "tfx.PushedModel",
    }
    outputs = {"pushed_model": {"artifacts": [artifact]}}
    twins = [detail for detail in details if detail["taskName"] == "Pusher"]
    [twin] = twins or [{"taskName": "Pusher"}]
    pusher = {**twin, "state": "SUCCEEDED", "outputs": outputs}
    end(google, job, "SUCCEEDED", nodes(job), "SUCCEEDED", [*details, pusher])


def end(
    google: GoogleApis,
    job: Json,
    state: str,
    tasks: list[str],
    task_state: str,
    details: Sequence[Json] = (),
    **fields: Any,
) -> None:
    """Move a job on, all its `tasks` with it, but those in `details`.

    As on Vertex the job is a task as well, and fails with any of them.
    """
    *_, run = job["name"].split("/")
    by_task = {task: {"taskName": task, "state": task_state} for task in (run, *tasks)}
    by_task |= {detail["taskName"]: detail for detail in details}
    google.tell_tasks(job["name"], list(by_task.values()))
    if state != "RUNNING":
        fields["endTime"] = now()
    google.change("vertex_ai", job["name"], state=f"PIPELINE_STATE_{state}", **fields)


def _output(process: "subprocess.CompletedProcess[str]", codes: tuple[int, ...]) -> str:
    if process.returncode not in codes:
        command = process.args[:6]
        message = process.stderr[-1500:]
        raise RuntimeError(f"{command} ended with {process.returncode}: {message}")
    return process.stdout
