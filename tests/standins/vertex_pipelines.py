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
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from google.cloud import storage

from tests.standins.cloud_build.recipes import checkout
from tests.standins.google.apis import GoogleApis

Json = dict[str, Any]
PUSH = """
import json, sys
from pipeline.components.vertex_pusher import push
from pipeline.spec import VertexDestination
version, new = push(sys.argv[1], VertexDestination(**json.loads(sys.argv[2])))
print("pushed", version.version_id)
"""


@dataclass
class VertexPipelines:
    """`run` ends each job as its twin ends; `trained` counts the twins.

    A job of the same modules is taken from the cache, as on Vertex.
    """

    google: GoogleApis
    repository: Path
    environment: dict[str, str]
    # Below it each model of each project keeps what its jobs make. The next job takes its steps
    # from there where they are the same.
    place: Path
    trained: list[str] = field(default_factory=list)  # the models, in the order of their jobs
    fail_next: str = ""  # the node at which the next job fails
    _known: dict[str, str] = field(default_factory=dict)  # modules -> the model's address

    def run(self, job: Json) -> None:
        tasks = list(job["pipelineSpec"]["root"]["dag"]["tasks"])
        end(self.google, job, "RUNNING", tasks, "RUNNING")
        try:
            if self.fail_next:
                node, self.fail_next = self.fail_next, ""
                return failed(self.google, job, node, f"{node} was made to fail")
            uri = self._model(job)
            if uri is None:
                return refused(self.google, job)
            succeeded(self.google, job, self._pushed(job, uri))
        except Exception as error:
            failed(self.google, job, tasks[0], f"the stand-in failed: {error}")
            raise

    def _model(self, job: Json) -> str | None:
        """The path of the twin's blessed model, None for a refused one."""
        key = json.dumps(
            sorted(uri.split("/", 3)[3] for uri in modules(job))
        )  # the same in every stage's bucket
        if key not in self._known:
            self.trained.append(job["labels"]["model"])
            with checkout(self.repository, job["labels"]["commit"]) as place:
                published = self._rehearsed(
                    job, place.files, self.place / bucket(job) / job["labels"]["model"]
                )
            if published is None:
                return None
            self._known[key] = f"gs://{bucket(job)}/models/{len(self._known)}"
        return self._known[key]

    def _rehearsed(self, job: Json, files: Path, folder: Path) -> str | None:
        model = folder / job["labels"]["model"]
        shutil.rmtree(model, ignore_errors=True)
        shutil.copytree(files / "models" / model.name, model)
        for uri in modules(job):  # what the job names, and not what the checkout happens to hold
            name = uri.rsplit("/", 1)[1]
            place = model / "hyperparameters" / name if name == "best.json" else model / name
            content = (
                storage.Client(project="p")
                .bucket(bucket(job))
                .blob(uri.split("/", 3)[3])
                .download_as_bytes()
            )
            place.write_bytes(content)
        command = [sys.executable, "-m", "pipeline"]
        variables = {**os.environ, **self.environment, "PYTHONPATH": str(files)}
        run = {"cwd": files, "env": variables, "capture_output": True, "text": True}
        compile_ = [
            *command,
            "compile",
            f"{model}/",
            "--env",
            "local",
            "--runs",
            str(folder / "runs"),
            "--output",
            str(folder),
            "--json",
        ]
        [spec] = json.loads(_said(subprocess.run(compile_, **run), (0,)))
        return json.loads(
            _said(subprocess.run([*command, "rehearse", spec, "--json"], **run), (0, 3))
        )["published"]

    def _pushed(self, job: Json, uri: str) -> str:
        """The cloud Pusher's version of the model, by the job's parameters."""
        parameter = job["pipelineSpec"]["root"]["dag"]["tasks"]["Pusher"]["inputs"]["parameters"][
            "custom_config"
        ]["runtimeValue"]["constant"]
        destination = json.dumps(json.loads(parameter)["destination"])
        variables = {**os.environ, **self.environment, "PYTHONPATH": str(self.repository)}
        process = subprocess.run(
            [sys.executable, "-c", PUSH, uri, destination],
            env=variables,
            capture_output=True,
            text=True,
        )
        return _said(process, (0,)).split()[-1]


def modules(job: Json) -> list[str]:
    """The addresses of the modules in a job's parameters, whichever they are.

    Of the hyperparameters a job names the folder.
    """
    pattern = r"gs://[\w-]+/modules/\w+/[0-9a-f]{64}(?:/[\w.]+)?"
    addresses = set(re.findall(pattern, json.dumps(job)))
    return sorted(uri if "." in uri.rsplit("/", 1)[1] else f"{uri}/best.json" for uri in addresses)


def bucket(job: Json) -> str:
    return str(job["runtimeConfig"]["gcsOutputDirectory"]).split("/")[2]


def succeeded(google: GoogleApis, job: Json, version: str) -> None:
    _ended_well(google, job, {"pushed": 1, "pushed_version": version})


def refused(google: GoogleApis, job: Json) -> None:
    _ended_well(google, job, {"pushed": 0})


def failed(google: GoogleApis, job: Json, node: str, message: str) -> None:
    end(google, job, "FAILED", [node], "FAILED", error={"code": 9, "message": message})


def _ended_well(google: GoogleApis, job: Json, pushed: Json) -> None:
    tasks = list(job["pipelineSpec"]["root"]["dag"]["tasks"])
    artifact = {"name": f"{job['name']}/pushed", "metadata": pushed}
    end(
        google,
        job,
        "SUCCEEDED",
        tasks,
        "SUCCEEDED",
        outputs={"Pusher": {"pushed_model": {"artifacts": [artifact]}}},
    )


def end(
    google: GoogleApis,
    job: Json,
    state: str,
    tasks: list[str],
    task_state: str,
    outputs: Json | None = None,
    **fields: Any,
) -> None:
    """Move a job on, all its `tasks` with it."""
    details = [
        {"taskName": task, "state": task_state, "outputs": (outputs or {}).get(task, {})}
        for task in tasks
    ]
    google.change(
        "vertex_ai",
        job["name"],
        state=f"PIPELINE_STATE_{state}",
        jobDetail={"taskDetails": details},
        **fields,
    )


def _said(done: "subprocess.CompletedProcess[str]", allowed: tuple[int, ...]) -> str:
    if done.returncode not in allowed:
        raise RuntimeError(f"{done.args[:6]} ended with {done.returncode}: {done.stderr[-1500:]}")
    return done.stdout
