"""Executes a compiled local spec here, node by node, through the entrypoint that Vertex's containers run.

What Vertex Pipelines would do is stood in for by this file: order, the resolvers' artifact queries, and a store of artifacts.
"""

import graphlib
import itertools
import json
import os
import re
import subprocess
import sys
import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

from pipeline.errors import ConfigurationError, RunError
from pipeline.progress import Progress
from settings import REPOSITORY

Json = dict[str, Any]
Outputs = dict[str, list[Json]]  # output key -> runtime artifacts
SCHEMA_VERSION = "2.1.0"
AT_ONCE = os.cpu_count() or 1


def rehearse_file(file: Path) -> Json:
    """Whether both checks blessed the model and where it was published; RunError names the node that failed."""
    job = _read(file)
    root = Path(job["runtimeConfig"]["gcsOutputDirectory"])
    with Progress(sys.stderr) as progress:
        outputs = Rehearsal(job, root).run(progress)
    blessings = [a["metadata"].get("blessed") == 1 for node in ("Evaluator", "ServingCheck") for a in outputs[node]["blessing"]]
    [pushed] = outputs["Pusher"]["pushed_model"]
    published = pushed["metadata"].get("pushed_destination") if pushed["metadata"].get("pushed") == 1 else None
    return {"blessed": len(blessings) == 2 and all(blessings), "published": published}


class Rehearsal:
    """One execution of a job, below `root`/rehearsals; its artifacts join `root`/artifacts.json, which later ones' resolvers ask."""

    def __init__(self, job: Json, root: Path) -> None:
        spec = job["pipelineSpec"]
        self.tasks: Json = spec["root"]["dag"]["tasks"]
        self.components: Json = spec["components"]
        self.executors: Json = spec["deploymentSpec"]["executors"]
        self.folder = root / "rehearsals" / str(time.time_ns())
        self.store = root / "artifacts.json"
        self.known: list[Json] = json.loads(self.store.read_text()) if self.store.exists() else []
        self.numbers = itertools.count(time.time_ns())
        self.outputs: dict[str, Outputs] = {}

    def run(self, progress: Progress) -> dict[str, Outputs]:
        order = graphlib.TopologicalSorter({task: _waits_for(self.tasks[task]) for task in self.tasks})
        order.prepare()
        running: dict[Future[Outputs], str] = {}
        with ThreadPoolExecutor(AT_ONCE) as pool:
            while order.is_active():
                running |= {pool.submit(self._execute, task, progress): task for task in order.get_ready()}
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    task = running.pop(future)
                    self.outputs[task] = future.result()
                    order.done(task)
        self._remember()
        return self.outputs

    def _execute(self, task: str, progress: Progress) -> Outputs:
        progress(task, "running")
        made = self._made_by(task)
        progress(task, "finished")
        return made

    def _made_by(self, task: str) -> Outputs:
        component = self.components[self.tasks[task]["componentRef"]["name"]]
        executor = self.executors[component["executorLabel"]]
        declared = component.get("outputDefinitions", {}).get("artifacts", {})
        inputs = self._inputs(self.tasks[task])
        if "importer" in executor:
            uri = executor["importer"]["artifactUri"]["constant"]
            return {key: [self._artifact(d, uri) | {"metadata": executor["importer"].get("metadata", {})}] for key, d in declared.items()}
        if "resolver" in executor:
            queries = executor["resolver"]["outputArtifactQueries"]
            return {key: self._query(query["filter"], inputs["artifacts"]) for key, query in queries.items()}
        made = {key: [self._artifact(d, f"{self.folder}/{task}/{key}")] for key, d in declared.items()}
        output_file = self.folder / task / "executor_output.json"
        parameters = {
            key: value["runtimeValue"]["constant"] for key, value in self.tasks[task].get("inputs", {}).get("parameters", {}).items()
        }
        handed = {
            "inputs": {
                "parameterValues": parameters,
                "artifacts": {key: {"artifacts": found} for key, found in inputs["artifacts"].items()},
            },
            "outputs": {"artifacts": {key: {"artifacts": new} for key, new in made.items()}, "outputFile": str(output_file)},
        }
        _run_container(task, executor["container"], json.dumps(handed), self.folder / task)
        told = json.loads(output_file.read_text()).get("artifacts", {})
        # What the executor tells of an artifact lacks its type, so that only its other fields are taken over.
        return {key: [{**new, **_without_type(told[key])}] if key in told else [new] for key, [new] in made.items()}

    def _inputs(self, task: Json) -> Json:
        wanted = task.get("inputs", {}).get("artifacts", {})
        origin = {key: value["taskOutputArtifact"] for key, value in wanted.items()}
        return {"artifacts": {key: self.outputs[o["producerTask"]].get(o["outputArtifactKey"], []) for key, o in origin.items()}}

    def _artifact(self, definition: Json, uri: str) -> Json:
        name = f"projects/1/locations/here/metadataStores/default/artifacts/{next(self.numbers)}"
        return {"name": name, "type": definition["artifactType"], "uri": uri, "metadata": {}}

    def _query(self, text: str, inputs: Outputs) -> list[Json]:
        """The newest artifact that a resolver's filter finds, as Vertex ML Metadata would."""
        if "{{$" in text:
            if not inputs.get("input"):
                return []
            text = re.sub(
                r"\{\{\$\.inputs\.artifacts\['input'\]\.metadata\['(\w+)'\]\}\}", lambda m: str(inputs["input"][0]["metadata"][m[1]]), text
            )
        return [a for a in self.known if all(_holds(clause, a) for clause in text.split(" AND "))][-1:]

    def _remember(self) -> None:
        made = [a for task, outputs in self.outputs.items() if "-resolver" not in task for found in outputs.values() for a in found]
        unfinished = self.store.with_suffix(".unfinished")
        unfinished.write_text(json.dumps([*self.known, *made], indent=1))
        os.replace(unfinished, self.store)


def _read(file: Path) -> Json:
    try:
        job: Json = json.loads(file.read_text())
        root, version = job["runtimeConfig"]["gcsOutputDirectory"], job["pipelineSpec"]["schemaVersion"]
    except FileNotFoundError as error:
        raise ConfigurationError(f"{file}: there is no such file; `compile --env local` writes one") from error
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(f"{file}: not a compiled pipeline job ({error!r})") from error
    if "://" in root:
        raise ConfigurationError(
            f"{file}: its root is {root}, allowed is a folder here: only a spec of `compile --env local` can be rehearsed"
        )
    if version != SCHEMA_VERSION:
        raise ConfigurationError(f"{file}: its schema version is {version}, allowed is {SCHEMA_VERSION}")
    return job


def _waits_for(task: Json) -> set[str]:
    artifacts = task.get("inputs", {}).get("artifacts", {}).values()
    return {*task.get("dependentTasks", []), *(a["taskOutputArtifact"]["producerTask"] for a in artifacts)}


def _without_type(told: Json) -> Json:
    [artifact] = told["artifacts"]
    return {key: value for key, value in artifact.items() if key != "type"}


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
        return found is not None and (float(found) == float(value) if kind == "number_value" else found == value)
    return clause == "state=LIVE"


def _run_container(task: str, container: Json, handed: str, folder: Path) -> None:
    folder.mkdir(parents=True)
    arguments = [argument.replace("{{$}}", handed) for argument in container["args"]]
    command = [sys.executable if part == "python" else part for part in container["command"]]
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    with open(folder / "log.txt", "w") as log:
        done = subprocess.run([*command, *arguments], cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT)
    if done.returncode:
        last = [line for line in (folder / "log.txt").read_text().splitlines() if line.strip()][-1:]
        raise RunError(f"{task} failed: {''.join(last)[:300]} (log: {folder}/log.txt)")
