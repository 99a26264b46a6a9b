"""Executes a compiled local spec here, node by node.

Each node runs through the entrypoint that Vertex's containers run. This file and metadata_store
stand in for what Vertex Pipelines would do: order, the resolvers' artifact queries, and execution
caching.
"""

import functools
import graphlib
import itertools
import json
import multiprocessing
import os
import sys
import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

from pipeline.errors import ConfigurationError, RunError
from pipeline.job import entrypoint
from pipeline.local import code_digest
from pipeline.local.metadata_store import Json, MetadataStore, Outputs, execution_key
from pipeline.local.store import alone
from pipeline.progress import Observer, Progress
from settings import REPOSITORY

SCHEMA_VERSION = "2.1.0"
AT_ONCE = os.cpu_count() or 1


def rehearse_file(file: Path) -> Json:
    """Rehearse a job; return its blessing and the published address.

    RunError names the node that failed.
    """
    job = _read(file)
    root = Path(job["runtimeConfig"]["gcsOutputDirectory"])
    with alone(root), Progress(sys.stderr) as progress:
        outputs = Rehearsal(job, root).run(progress)
    blessings = [
        a["metadata"].get("blessed") == 1
        for node in ("Evaluator", "ServingCheck")
        for a in outputs[node]["blessing"]
    ]
    [artifact] = outputs["Pusher"]["pushed_model"]
    metadata = artifact["metadata"]
    address = metadata.get("pushed_destination") if metadata.get("pushed") == 1 else None
    return {"blessed": len(blessings) == 2 and all(blessings), "published": address}


class Rehearsal:
    """One execution of a job, below `root`/rehearsals.

    What it makes joins `root`/metadata.json, for later ones' resolvers and caching.
    """

    def __init__(self, job: Json, root: Path) -> None:
        spec = job["pipelineSpec"]
        self.tasks: Json = spec["root"]["dag"]["tasks"]
        self.components: Json = spec["components"]
        self.executors: Json = spec["deploymentSpec"]["executors"]
        self.folder = root / "rehearsals" / str(time.time_ns())
        self.store = MetadataStore(root / "metadata.json")
        self.numbers = itertools.count(time.time_ns())
        self.outputs: dict[str, Outputs] = {}

    def run(self, progress: Observer) -> dict[str, Outputs]:
        upstream = {name: _waits_for(task) for name, task in self.tasks.items()}
        order = graphlib.TopologicalSorter(upstream)
        order.prepare()
        tasks: dict[Future[Outputs], str] = {}
        with ThreadPoolExecutor(AT_ONCE) as pool:
            while order.is_active():
                tasks |= {
                    pool.submit(self._execute, task, progress): task for task in order.get_ready()
                }
                for future in wait(tasks, return_when=FIRST_COMPLETED).done:
                    task = tasks.pop(future)
                    self.outputs[task] = future.result()
                    order.done(task)
        return self.outputs

    def _execute(self, task: str, progress: Observer) -> Outputs:
        component = self.components[self.tasks[task]["componentRef"]["name"]]
        executor = self.executors[component["executorLabel"]]
        artifacts = self._inputs(self.tasks[task])
        progress(task, "running")
        if "importer" in executor:
            outputs = self._imported(component, executor["importer"])
        elif "resolver" in executor:
            queries = executor["resolver"]["outputArtifactQueries"]
            outputs = {
                key: self.store.query(query["filter"], artifacts) for key, query in queries.items()
            }
        else:
            parameters = _parameters(self.tasks[task])
            key = execution_key(component, executor["container"], parameters, artifacts)
            caching = self.tasks[task].get("cachingOptions", {}).get("enableCache")
            cached_outputs = self.store.execution(key) if caching else None
            if cached_outputs is not None:
                progress(task, "cached")
                return cached_outputs
            outputs = self._made(task, component, executor["container"], parameters, artifacts)
            self.store.remember(outputs, key)
        progress(task, "finished")
        return outputs

    def _imported(self, component: Json, importer: Json) -> Outputs:
        """The artifact at the importer's address, new at its first import only."""
        [(key, definition)] = component["outputDefinitions"]["artifacts"].items()
        uri = importer["artifactUri"]["constant"]
        artifact = self.store.imported(uri, definition["artifactType"])
        if artifact is None:
            artifact = self._artifact(definition, uri) | {"metadata": importer.get("metadata", {})}
            self.store.remember({key: [artifact]})
        return {key: [artifact]}

    def _made(
        self, task: str, component: Json, container: Json, parameters: Json, artifacts: Outputs
    ) -> Outputs:
        """The container's outputs from its inputs."""
        definitions = component.get("outputDefinitions", {}).get("artifacts", {})
        output_artifacts = {
            key: [self._artifact(d, f"{self.folder}/{task}/{key}")]
            for key, d in definitions.items()
        }
        output_file = self.folder / task / "executor_output.json"
        executor_input = {
            "inputs": {
                "parameterValues": parameters,
                "artifacts": {key: {"artifacts": group} for key, group in artifacts.items()},
            },
            "outputs": {
                "artifacts": {key: {"artifacts": group} for key, group in output_artifacts.items()},
                "outputFile": str(output_file),
            },
        }
        _run_container(task, container, json.dumps(executor_input), self.folder / task)
        executor_output = json.loads(output_file.read_text()).get("artifacts", {})
        # The executor's artifact lacks its type, so that only its other fields are taken over.
        outputs: Outputs = {}
        for key, [artifact] in output_artifacts.items():
            fields = _without_type(executor_output[key]) if key in executor_output else {}
            outputs[key] = [artifact | fields]
        return outputs

    def _inputs(self, task: Json) -> Outputs:
        artifact_inputs = task.get("inputs", {}).get("artifacts", {})
        origins = {key: value["taskOutputArtifact"] for key, value in artifact_inputs.items()}
        return {
            key: self.outputs[origin["producerTask"]].get(origin["outputArtifactKey"], [])
            for key, origin in origins.items()
        }

    def _artifact(self, definition: Json, uri: str) -> Json:
        name = f"projects/1/locations/here/metadataStores/default/artifacts/{next(self.numbers)}"
        return {"name": name, "type": definition["artifactType"], "uri": uri, "metadata": {}}


def _read(file: Path) -> Json:
    try:
        job: Json = json.loads(file.read_text())
        root = job["runtimeConfig"]["gcsOutputDirectory"]
        version = job["pipelineSpec"]["schemaVersion"]
        executors = job["pipelineSpec"]["deploymentSpec"]["executors"]
    except FileNotFoundError as error:
        raise ConfigurationError(
            f"{file}: there is no such file; `compile --env local` writes one"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(f"{file}: not a compiled pipeline job ({error!r})") from error
    if "://" in root:
        raise ConfigurationError(
            f"{file}: its root is {root}, allowed is a folder here: "
            "only a spec of `compile --env local` can be rehearsed"
        )
    if version != SCHEMA_VERSION:
        raise ConfigurationError(
            f"{file}: its schema version is {version}, allowed is {SCHEMA_VERSION}"
        )
    containers = [
        executor["container"] for executor in executors.values() if "container" in executor
    ]
    if code_digest.reference() not in {container["image"] for container in containers}:
        raise ConfigurationError(
            f"{file}: it was compiled by other code than what would run it here; compile it again"
        )
    return job


def _waits_for(task: Json) -> set[str]:
    artifacts = task.get("inputs", {}).get("artifacts", {}).values()
    return {
        *task.get("dependentTasks", []),
        *(a["taskOutputArtifact"]["producerTask"] for a in artifacts),
    }


def _parameters(task: Json) -> Json:
    inputs = task.get("inputs", {}).get("parameters", {})
    return {key: value["runtimeValue"]["constant"] for key, value in inputs.items()}


def _without_type(output: Json) -> Json:
    [artifact] = output["artifacts"]
    return {key: value for key, value in artifact.items() if key != "type"}


def _run_container(task: str, container: Json, executor_input: str, folder: Path) -> None:
    folder.mkdir(parents=True)
    if container["command"] != entrypoint.COMMAND:
        raise RunError(f"{task} would run {container['command']}, allowed is {entrypoint.COMMAND}")
    arguments = [argument.replace("{{$}}", executor_input) for argument in container["args"]]
    process = _containers().Process(
        target=_be_container, args=(arguments, folder, dict(os.environ))
    )
    process.start()
    process.join()
    if process.exitcode:
        lines = (folder / "log.txt").read_text().splitlines()
        last_line = [line for line in lines if line.strip()][-1:]
        raise RunError(f"{task} failed: {''.join(last_line)[:300]} (log: {folder}/log.txt)")


@functools.cache
def _containers() -> Any:
    """Forks of one process, instead of new processes.

    That process has imported what all of them would.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["pipeline.local.preloaded"])
    return context


def _be_container(arguments: list[str], folder: Path, environment: dict[str, str]) -> None:
    """Become the entrypoint of the image's containers, as a process of its own."""
    with open(folder / "log.txt", "w") as log:
        os.dup2(log.fileno(), sys.stdout.fileno())
        os.dup2(log.fileno(), sys.stderr.fileno())
    os.chdir(folder)
    os.environ.update(environment, PYTHONPATH=str(REPOSITORY))
    sys.argv = ["container", *arguments]
    entrypoint.main()
