"""Executes a compiled local spec here, node by node.

Each node runs through the entrypoint that Vertex's containers run. This file and metadata_store
stand in for what Vertex Pipelines would do: order, the resolvers' artifact queries, and execution
caching.
"""

import graphlib
import itertools
import json
import os
import sys
import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path

from pipeline import manifest
from pipeline.local import compiled_job
from pipeline.local.containers import run_container
from pipeline.local.metadata_store import Json, MetadataStore, Outputs, execution_key
from pipeline.local.store import locked_store
from pipeline.local.task_details import TaskDetails
from pipeline.progress import Observer, Progress

AT_ONCE = os.cpu_count() or 1


def rehearse_file(file: Path) -> Json:
    """Rehearse a job; return its blessing and the published address.

    RunError names the node that failed.
    """
    job = compiled_job.read(file)
    root = Path(job["runtimeConfig"]["gcsOutputDirectory"])
    with locked_store(root), Progress(sys.stderr) as progress:
        outputs = Rehearsal(job, root).run(progress)
    blessings = [*outputs["Evaluator"]["blessing"], *outputs["ServingCheck"]["blessing"]]
    verdicts = [blessing["metadata"].get("blessed") == 1 for blessing in blessings]
    [artifact] = outputs["Pusher"]["pushed_model"]
    metadata = artifact["metadata"]
    pushed = metadata.get("pushed") == 1
    address = metadata.get("pushed_destination") if pushed else None
    return {"blessed": verdicts == [True, True], "published": address}


class Rehearsal:
    """One execution of a job, below `root`/rehearsals.

    What it makes joins `root`/metadata.json, for later ones' resolvers and caching. What became of
    its tasks is in tasks.json, as Vertex tells it.
    """

    def __init__(self, job: Json, root: Path) -> None:
        spec = job["pipelineSpec"]
        dag = spec["root"]["dag"]
        self.tasks: Json = dag["tasks"]
        self.components: Json = spec["components"]
        self.executors: Json = spec["deploymentSpec"]["executors"]
        start = time.time_ns()
        self.folder = root / "rehearsals" / str(start)
        self.store = MetadataStore(root / "metadata.json")
        self.numbers = itertools.count(start)
        self.outputs: dict[str, Outputs] = {}
        self.details = TaskDetails()

    def run(self, progress: Observer) -> dict[str, Outputs]:
        try:
            return self._run(progress)
        finally:
            self.details.write(self.folder / "tasks.json")

    def _run(self, progress: Observer) -> dict[str, Outputs]:
        upstream = {name: _waits_for(task) for name, task in self.tasks.items()}
        order = graphlib.TopologicalSorter(upstream)
        order.prepare()
        tasks: dict[Future[Outputs], str] = {}
        with ThreadPoolExecutor(AT_ONCE) as pool:
            while order.is_active():
                for task in order.get_ready():
                    future = pool.submit(self._execute, task, progress)
                    tasks[future] = task
                completed_futures, _ = wait(tasks, return_when=FIRST_COMPLETED)
                for future in completed_futures:
                    task = tasks.pop(future)
                    self.outputs[task] = future.result()
                    order.done(task)
        return self.outputs

    def _execute(self, name: str, progress: Observer) -> Outputs:
        with self.details.of(name) as detail:
            outputs = self._executed(name, detail, progress)
            detail["outputs"] = _wrapped(outputs)
        return outputs

    def _executed(self, name: str, detail: Json, progress: Observer) -> Outputs:
        task = self.tasks[name]
        component_name = task["componentRef"]["name"]
        component = self.components[component_name]
        executor = self.executors[component["executorLabel"]]
        artifacts = self._inputs(task)
        detail["inputs"] = _wrapped(artifacts)
        progress(name, "running")
        if "importer" in executor:
            outputs = self._imported(component, executor["importer"])
        elif "resolver" in executor:
            outputs = self._resolved(executor["resolver"], artifacts)
        else:
            container = executor["container"]
            parameters = _parameters(task)
            key = execution_key(component, container, parameters, artifacts)
            cached_outputs = self._cached(task, key)
            if cached_outputs is not None:
                detail["state"] = "SKIPPED"
                progress(name, "cached")
                return cached_outputs
            outputs = self._made(name, component, container, parameters, artifacts)
            self.store.remember(outputs, key)
        progress(name, "finished")
        return outputs

    def _cached(self, task: Json, key: str) -> Outputs | None:
        """The outputs of an earlier execution, where the task may take them."""
        options = task.get("cachingOptions", {})
        return self.store.execution(key) if options.get("enableCache") else None

    def _imported(self, component: Json, importer: Json) -> Outputs:
        """The artifact at the importer's address, new at its first import only."""
        [(key, definition)] = component["outputDefinitions"]["artifacts"].items()
        uri = importer["artifactUri"]["constant"]
        artifact = self.store.imported(uri, definition["artifactType"])
        if artifact is None:
            metadata = importer.get("metadata", {})
            artifact = self._artifact(definition, uri) | {"metadata": metadata}
            self.store.remember({key: [artifact]})
        return {key: [artifact]}

    def _resolved(self, resolver: Json, artifacts: Outputs) -> Outputs:
        """The artifacts that the resolver's queries find."""
        outputs: Outputs = {}
        for key, query in resolver["outputArtifactQueries"].items():
            outputs[key] = self.store.query(query["filter"], artifacts)
        return outputs

    def _made(
        self, task: str, component: Json, container: Json, parameters: Json, artifacts: Outputs
    ) -> Outputs:
        """The container's outputs from its inputs."""
        definitions = component.get("outputDefinitions", {}).get("artifacts", {})
        folder = self.folder / task
        output_artifacts: Outputs = {}
        for key, definition in definitions.items():
            output_artifacts[key] = [self._artifact(definition, f"{folder}/{key}")]
        output_file = folder / "executor_output.json"
        executor_input = {
            "inputs": {"parameterValues": parameters, "artifacts": _wrapped(artifacts)},
            "outputs": {"artifacts": _wrapped(output_artifacts), "outputFile": str(output_file)},
        }
        run_container(task, container, json.dumps(executor_input), folder)
        executor_output = json.loads(output_file.read_text(encoding="utf-8"))
        executor_artifacts = executor_output.get("artifacts", {})
        outputs: Outputs = {}
        for key, [artifact] in output_artifacts.items():
            fields = _fields(executor_artifacts, key)
            outputs[key] = [artifact | fields]
            _write_manifest(Path(artifact["uri"]))
        return outputs

    def _inputs(self, task: Json) -> Outputs:
        inputs: Outputs = {}
        for key, origin in _origins(task).items():
            producer_outputs = self.outputs[origin["producerTask"]]
            inputs[key] = producer_outputs.get(origin["outputArtifactKey"], [])
        return inputs

    def _artifact(self, definition: Json, uri: str) -> Json:
        name = f"projects/1/locations/here/metadataStores/default/artifacts/{next(self.numbers)}"
        return {"name": name, "type": definition["artifactType"], "uri": uri, "metadata": {}}


def _write_manifest(folder: Path) -> None:
    """Write the manifest beside an artifact's folder; some containers make no folder."""
    folder.mkdir(exist_ok=True)
    manifest.write(folder, manifest.beside(folder))


def _origins(task: Json) -> Json:
    """Input key -> the task and the output that its artifacts are from."""
    inputs = task.get("inputs", {})
    artifacts = inputs.get("artifacts", {})
    return {key: value["taskOutputArtifact"] for key, value in artifacts.items()}


def _waits_for(task: Json) -> set[str]:
    origins = _origins(task).values()
    producers = [origin["producerTask"] for origin in origins]
    return {*task.get("dependentTasks", []), *producers}


def _parameters(task: Json) -> Json:
    inputs = task.get("inputs", {})
    parameters = inputs.get("parameters", {})
    return {key: value["runtimeValue"]["constant"] for key, value in parameters.items()}


def _wrapped(artifacts: Outputs) -> Json:
    """The artifacts in the form of an executor's input."""
    return {key: {"artifacts": group} for key, group in artifacts.items()}


def _fields(executor_artifacts: Json, key: str) -> Json:
    """The fields that the executor set on its output `key`.

    The executor's artifact lacks its type, so that only its other fields are taken over.
    """
    if key not in executor_artifacts:
        return {}
    [artifact] = executor_artifacts[key]["artifacts"]
    return {name: value for name, value in artifact.items() if name != "type"}
