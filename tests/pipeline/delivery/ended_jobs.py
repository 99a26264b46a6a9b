"""A stand-in for Vertex; each of its jobs ends at once."""

import json

from pipeline.delivery import releases
from pipeline.spec import VertexDestination
from tests.standins import vertex_pipelines


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
            vertex_pipelines.judged(self.google, job, self._judgement())
        elif self.verdict == "refused":
            vertex_pipelines.refused(self.google, job, self.details)
        else:
            self._push(job)

    def _judgement(self) -> list:
        """The details with both blessings, those of the details first."""
        tasks = [task for task in self.details if task["taskName"] != "Pusher"]
        names = {task["taskName"] for task in tasks}
        blessings = [blessing("Evaluator", self.verdict), blessing("ServingCheck", "succeeded")]
        return [*tasks, *(task for task in blessings if task["taskName"] not in names)]

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


def blessing(node, verdict):
    """The node's task with its word on the model."""
    metadata = {"blessed": int(verdict == "succeeded")}
    artifact = {"name": f"{node}/blessing", "uri": "gs://b/blessing", "metadata": metadata}
    outputs = {"blessing": {"artifacts": [artifact]}}
    return {"taskName": node, "state": "SUCCEEDED", "outputs": outputs}


def pusher_destination(job) -> VertexDestination:
    """The destination of the job's Pusher."""
    dag = job["pipelineSpec"]["root"]["dag"]
    inputs = dag["tasks"]["Pusher"]["inputs"]
    parameter = inputs["parameters"]["custom_config"]
    text = parameter["runtimeValue"]["constant"]
    custom_config = json.loads(text)
    fields = custom_config["destination"]
    return VertexDestination(**fields)
