"""A stand-in for Vertex; each of its jobs ends at once."""

import json

from pipeline.delivery import releases
from pipeline.spec import VertexDestination
from tests.standins import vertex_pipelines

GRAPH = "transform_graph"
TITLES = {"model": "tfx.Model", "blessing": "tfx.ModelBlessing", GRAPH: "tfx.TransformGraph"}


class Vertex:
    """Ends every job at once, as `verdict` says.

    Our Pusher pushes the version, or the job ends in a refusal or a node's failure. What is
    pushed is the Trainer's model in `details`, or none, at an address of the job's own. A job
    without a Pusher ends with its blessings alone.
    """

    def __init__(self, google) -> None:
        self.google, self.verdict, self.jobs = google, "succeeded", []
        self.details = []  # of the tasks that have more to tell than their state
        google.on_pipeline_job = self.run

    def run(self, job) -> None:
        self.jobs.append(job)
        if self.verdict == "failed":
            vertex_pipelines.failed(self.google, job, "Trainer", "out of memory", self.details)
        elif self.verdict == "cancelled":
            vertex_pipelines.end(self.google, job, "CANCELLED", ["Trainer"], "CANCELLED")
        elif "Pusher" not in vertex_pipelines.nodes(job):
            vertex_pipelines.judged(self.google, job, self._judgement(job))
        elif self.verdict == "refused":
            vertex_pipelines.refused(self.google, job, self.details)
        else:
            self._push(job)

    def _judgement(self, job) -> list:
        """The details, and a model and both blessings where they have none."""
        blessed = {"blessed": int(self.verdict == "succeeded")}
        defaults = [
            made(job, "Trainer", "model", {}),
            made(job, "Evaluator", "blessing", blessed),
            made(job, "ServingCheck", "blessing", {"blessed": 1}),
        ]
        tasks = [task for task in self.details if task["taskName"] != "Pusher"]
        names = {task["taskName"] for task in tasks}
        return [*tasks, *(task for task in defaults if task["taskName"] not in names)]

    def _push(self, job) -> None:
        uri, digest = f"gs://b/models/{len(self.jobs)}", None
        for task in self.details:
            if task["taskName"] == "Trainer":
                [model] = task["outputs"]["model"]["artifacts"]
                uri, digest = f"{model['uri']}/Format-Serving", model["metadata"]["digest"]
        destination = pusher_destination(job)
        version, new = releases.vertex_pusher.push(uri, destination, digest)
        pushed = vertex_pipelines.pushed_version(
            version.version_id, version.resource_name, new=int(new)
        )
        vertex_pipelines.succeeded(self.google, job, pushed, self.details)


def made(job, node, key, metadata):
    """The node's task with its one artifact; it has read what the Transform made."""
    sides = {
        "inputs": {"transform_graph": {"artifacts": [artifact(job, "Transform", GRAPH, {})]}},
        "outputs": {key: {"artifacts": [artifact(job, node, key, metadata)]}},
    }
    return {"taskName": node, "state": "SUCCEEDED", **sides}


def artifact(job, node, key, metadata):
    """An artifact below the job's root."""
    place, _, run = job["name"].rpartition("/pipelineJobs/")
    root = job["runtimeConfig"]["gcsOutputDirectory"]
    return {
        "name": f"{place}/metadataStores/default/artifacts/{run}-{node}",
        "uri": f"{root}/11/{run}/{node}_1/{key}",
        "metadata": metadata,
        "schemaTitle": TITLES[key],
    }


def pusher_destination(job) -> VertexDestination:
    """The destination of the job's Pusher."""
    dag = job["pipelineSpec"]["root"]["dag"]
    inputs = dag["tasks"]["Pusher"]["inputs"]
    parameter = inputs["parameters"]["custom_config"]
    text = parameter["runtimeValue"]["constant"]
    custom_config = json.loads(text)
    fields = custom_config["destination"]
    return VertexDestination(**fields)
