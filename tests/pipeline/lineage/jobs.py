"""Jobs of a small pipeline on the stand-in's Vertex, and what their tasks have read and made."""

from dataclasses import dataclass, field
from typing import Any

from environments import DEV
from settings import Settings
from tests.standins.google.apis import GoogleApis
from tests.standins.google.question import ask

Json = dict[str, Any]
NODES = {
    "CsvExampleGen": ({}, {"examples": "Examples"}),
    "ImportSchemaGen": ({}, {"schema": "Schema"}),
    "LastBlessed-model-resolver": ({}, {"model": "Model"}),
    "Transform": (
        {"examples": "CsvExampleGen.examples", "schema": "ImportSchemaGen.schema"},
        {"transform_graph": "TransformGraph"},
    ),
    "Trainer": (
        {"transform_graph": "Transform.transform_graph", "schema": "ImportSchemaGen.schema"},
        {"model": "Model"},
    ),
    "Evaluator": (
        {
            "examples": "CsvExampleGen.examples",
            "model": "Trainer.model",
            "baseline_model": "LastBlessed-model-resolver.model",
        },
        {"blessing": "ModelBlessing"},
    ),
    "Pusher": ({"model": "Trainer.model"}, {"pushed_model": "PushedModel"}),
}


@dataclass
class Jobs:
    """Submits jobs; a task in `cached` takes an older job's artifacts."""

    google: GoogleApis
    settings: Settings = DEV
    outputs: dict[str, Json] = field(default_factory=dict)  # of each job, by TASK.KEY

    def run(
        self,
        run: str,
        *,
        of: str | None = None,
        cached: tuple[str, ...] = (),
        baseline: str | None = None,
        **facts: Any,
    ) -> str:
        """The name of a job that ended well.

        It takes `cached` tasks from the job `of`, and its baseline from the job `baseline`.
        `facts` are digest, model_digest and blessed.
        """
        name = self.submit(run)
        bucket = self.settings.names.bucket("artifacts")
        folder = f"gs://{bucket}/pipelines/{self.pipeline}/{run}"
        made = {} if of is None else dict(self.outputs[of])
        resolved = [] if baseline is None else [self.outputs[baseline]["Trainer.model"]]
        details = []
        for task, (inputs, outputs) in NODES.items():
            resolves = task.startswith("LastBlessed")
            for key, type_ in outputs.items():
                if not resolves and task not in cached:
                    made[f"{task}.{key}"] = artifact(folder, task, key, type_, facts)
            sides = {
                "inputs": _group(inputs, made, resolved),
                "outputs": {
                    key: {"artifacts": resolved if resolves else [made[f"{task}.{key}"]]}
                    for key in outputs
                },
            }
            state = "SKIPPED" if task in cached else "SUCCEEDED"
            details.append({"taskName": task, "state": state, **sides})
        self.outputs[run] = made
        self.google.tell_tasks(name, details)
        return name

    @property
    def pipeline(self) -> str:
        return f"{self.settings.stage}-cab"

    def submit(self, run: str) -> str:
        """The name of a job that has not begun."""
        body = {"pipelineSpec": _spec(self.pipeline), "labels": {"commit": "c" * 40}}
        place = f"projects/{self.settings.project_id}/locations/{self.settings.region}"
        path = f"vertex_ai/v1/{place}/pipelineJobs?pipelineJobId={run}"
        status, job = ask(self.google, "POST", path, body)
        assert status == 200, job
        return job["name"]


def artifact(folder: str, task: str, key: str, type_: str, facts: Json) -> Json:
    """An artifact in the folder of its run."""
    *_, run = folder.split("/")
    blessed = facts.get("blessed", 1)
    by_type: Json = {
        "Examples": {"digest": facts.get("digest", "d1"), "rows": 1500},
        "Model": {"digest": facts.get("model_digest", run)},
        "ModelBlessing": {"blessed": blessed},
        "PushedModel": {"pushed": blessed, "pushed_version": run},
    }
    metadata = {"tfx_version": "1.21.0", **by_type.get(type_, {})}
    return {
        "name": f"projects/1/locations/here/metadataStores/default/artifacts/{run}-{task}-{key}",
        "uri": f"{folder}/{task}/{key}",
        "schemaTitle": f"tfx.{type_}",
        "metadata": metadata,
    }


def _group(inputs: dict[str, str], made: Json, resolved: list[Json]) -> Json:
    groups = {}
    for key, origin in inputs.items():
        group = resolved if origin.startswith("LastBlessed") else [made[origin]]
        groups[key] = {"artifacts": group}
    return groups


def _spec(pipeline: str) -> Json:
    tasks = {}
    components = {}
    for task in NODES:
        kind = "resolver" if task.startswith("LastBlessed") else "container"
        parameter = {"runtimeValue": {"constant": "7"}}
        tasks[task] = {
            "componentRef": {"name": task},
            "inputs": {"parameters": {"seed": parameter}},
        }
        components[task] = {"executorLabel": kind}
    return {
        "pipelineInfo": {"name": pipeline},
        "root": {"dag": {"tasks": tasks}},
        "components": components,
        "deploymentSpec": {
            "executors": {"resolver": {"resolver": {}}, "container": {"container": {}}}
        },
    }
