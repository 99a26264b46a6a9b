"""Executes a compiled local spec here, node by node, through the entrypoint that Vertex's containers run.

What Vertex Pipelines would do is stood in for by this file and metadata_store: order, the resolvers' artifact queries, and execution caching.
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
    """Whether both checks blessed the model and where it was published; RunError names the node that failed."""
    job = _read(file)
    root = Path(job["runtimeConfig"]["gcsOutputDirectory"])
    with alone(root), Progress(sys.stderr) as progress:
        outputs = Rehearsal(job, root).run(progress)
    blessings = [
        a["metadata"].get("blessed") == 1
        for node in ("Evaluator", "ServingCheck")
        for a in outputs[node]["blessing"]
    ]
    [pushed] = outputs["Pusher"]["pushed_model"]
    published = (
        pushed["metadata"].get("pushed_destination")
        if pushed["metadata"].get("pushed") == 1
        else None
    )
    return {"blessed": len(blessings) == 2 and all(blessings), "published": published}


class Rehearsal:
    """One execution of a job, below `root`/rehearsals; what it makes joins `root`/metadata.json, for later ones' resolvers and caching."""

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
        order = graphlib.TopologicalSorter(
            {task: _waits_for(self.tasks[task]) for task in self.tasks}
        )
        order.prepare()
        running: dict[Future[Outputs], str] = {}
        with ThreadPoolExecutor(AT_ONCE) as pool:
            while order.is_active():
                running |= {
                    pool.submit(self._execute, task, progress): task for task in order.get_ready()
                }
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    task = running.pop(future)
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
            given = self.tasks[task].get("inputs", {}).get("parameters", {})
            parameters = {key: value["runtimeValue"]["constant"] for key, value in given.items()}
            key = execution_key(component, executor["container"], parameters, artifacts)
            if (
                self.tasks[task].get("cachingOptions", {}).get("enableCache")
                and (known := self.store.execution(key)) is not None
            ):
                progress(task, "cached")
                return known
            outputs = self._made(task, component, executor["container"], parameters, artifacts)
            self.store.remember(outputs, key)
        progress(task, "finished")
        return outputs

    def _imported(self, component: Json, importer: Json) -> Outputs:
        """The artifact at that address, which is a new one only the first time."""
        [(key, definition)], uri = (
            component["outputDefinitions"]["artifacts"].items(),
            importer["artifactUri"]["constant"],
        )
        known = self.store.imported(uri, definition["artifactType"])
        if known is None:
            known = self._artifact(definition, uri) | {"metadata": importer.get("metadata", {})}
            self.store.remember({key: [known]})
        return {key: [known]}

    def _made(
        self, task: str, component: Json, container: Json, parameters: Json, artifacts: Outputs
    ) -> Outputs:
        """What the container makes of its inputs."""
        declared = component.get("outputDefinitions", {}).get("artifacts", {})
        made = {
            key: [self._artifact(d, f"{self.folder}/{task}/{key}")] for key, d in declared.items()
        }
        output_file = self.folder / task / "executor_output.json"
        handed = {
            "inputs": {
                "parameterValues": parameters,
                "artifacts": {key: {"artifacts": found} for key, found in artifacts.items()},
            },
            "outputs": {
                "artifacts": {key: {"artifacts": new} for key, new in made.items()},
                "outputFile": str(output_file),
            },
        }
        _run_container(task, container, json.dumps(handed), self.folder / task)
        told = json.loads(output_file.read_text()).get("artifacts", {})
        # What the executor tells of an artifact lacks its type, so that only its other fields are taken over.
        return {
            key: [{**new, **_without_type(told[key])}] if key in told else [new]
            for key, [new] in made.items()
        }

    def _inputs(self, task: Json) -> Outputs:
        wanted = task.get("inputs", {}).get("artifacts", {})
        origin = {key: value["taskOutputArtifact"] for key, value in wanted.items()}
        return {
            key: self.outputs[o["producerTask"]].get(o["outputArtifactKey"], [])
            for key, o in origin.items()
        }

    def _artifact(self, definition: Json, uri: str) -> Json:
        name = f"projects/1/locations/here/metadataStores/default/artifacts/{next(self.numbers)}"
        return {"name": name, "type": definition["artifactType"], "uri": uri, "metadata": {}}


def _read(file: Path) -> Json:
    try:
        job: Json = json.loads(file.read_text())
        root, version = (
            job["runtimeConfig"]["gcsOutputDirectory"],
            job["pipelineSpec"]["schemaVersion"],
        )
        executors = job["pipelineSpec"]["deploymentSpec"]["executors"]
    except FileNotFoundError as error:
        raise ConfigurationError(
            f"{file}: there is no such file; `compile --env local` writes one"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(f"{file}: not a compiled pipeline job ({error!r})") from error
    if "://" in root:
        raise ConfigurationError(
            f"{file}: its root is {root}, allowed is a folder here: only a spec of `compile --env local` can be rehearsed"
        )
    if version != SCHEMA_VERSION:
        raise ConfigurationError(
            f"{file}: its schema version is {version}, allowed is {SCHEMA_VERSION}"
        )
    if code_digest.reference() not in {
        executor["container"]["image"] for executor in executors.values() if "container" in executor
    }:
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


def _without_type(told: Json) -> Json:
    [artifact] = told["artifacts"]
    return {key: value for key, value in artifact.items() if key != "type"}


def _run_container(task: str, given: Json, handed: str, folder: Path) -> None:
    folder.mkdir(parents=True)
    if given["command"] != entrypoint.COMMAND:
        raise RunError(f"{task} would run {given['command']}, allowed is {entrypoint.COMMAND}")
    arguments = [argument.replace("{{$}}", handed) for argument in given["args"]]
    process = _containers().Process(
        target=_be_container, args=(arguments, folder, dict(os.environ))
    )
    process.start()
    process.join()
    if process.exitcode:
        last = [line for line in (folder / "log.txt").read_text().splitlines() if line.strip()][-1:]
        raise RunError(f"{task} failed: {''.join(last)[:300]} (log: {folder}/log.txt)")


@functools.cache
def _containers() -> Any:
    """Forks of one process that has imported what all of them would, instead of new ones."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["pipeline.local.preloaded"])
    return context


def _be_container(arguments: list[str], folder: Path, environment: dict[str, str]) -> None:
    """Become the entrypoint that the image's containers run, as a process of its own."""
    with open(folder / "log.txt", "w") as log:
        os.dup2(log.fileno(), sys.stdout.fileno())
        os.dup2(log.fileno(), sys.stderr.fileno())
    os.chdir(folder)
    os.environ.update(environment, PYTHONPATH=str(REPOSITORY))
    sys.argv = ["container", *arguments]
    entrypoint.main()
