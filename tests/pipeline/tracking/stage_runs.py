"""Ended runs of a stage: the job, the context that Vertex Pipelines makes, and the summary."""

import copy
import json

from pipeline.gcp.stage import Stage
from tests.pipeline.experiments.run_folders import SUMMARY
from tests.standins.google.apis import GoogleApis

SPEC = {
    "pipelineInfo": {"name": "dev-seat"},
    "root": {"dag": {"tasks": {}}},
    "components": {},
    "deploymentSpec": {"executors": {}},
}


def run_id(number: int) -> str:
    return f"dev-seat-{number:012x}-20260301-1"


def run_summary(number: int, **changes) -> dict:
    return copy.deepcopy(SUMMARY) | {"run": run_id(number)} | changes


def add_job(google: GoogleApis, stage: Stage, number: int, state: str = "SUCCEEDED") -> None:
    """Have a job of the stage's, with its context in the metadata."""
    labels = {"environment": stage.name, "model": "seat", "commit": "a" * 40}
    path = f"vertex_ai/v1/{stage.parent}/pipelineJobs?pipelineJobId={run_id(number)}"
    body = json.dumps({"pipelineSpec": SPEC, "labels": labels}).encode()
    answer = google.respond("POST", f"/{path}", body)
    name = json.loads(answer.content)["name"]
    google.tell_tasks(name, [])
    google.change("vertex_ai", name, state=f"PIPELINE_STATE_{state}")


def add_summary(stage: Stage, number: int, **changes) -> str:
    """Leave the run's report in the bucket, as its delivery does; return the run's id."""
    summary = run_summary(number, **changes)
    name = f"reports/seat/{summary['run']}/summary.json"
    text = json.dumps(summary)
    stage.artifacts.blob(name).upload_from_string(text, content_type="application/json")
    return summary["run"]


def contexts(google: GoogleApis, stage: Stage, schema: str) -> dict:
    """The contexts of a schema, by their ids."""
    path = f"/vertex_ai/v1/{stage.parent}/metadataStores/default/contexts?pageSize=1000"
    answer = google.respond("GET", path, b"")
    bodies = json.loads(answer.content)["contexts"]
    return {body["name"].split("/")[-1]: body for body in bodies if body["schemaTitle"] == schema}
