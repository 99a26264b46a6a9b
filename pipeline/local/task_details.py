"""Notes what becomes of a rehearsal's tasks, as Vertex Pipelines tells it of a job.

The notes are the taskDetails of a PipelineJob, in the API's JSON:
cloud.google.com/vertex-ai/docs/reference/rest/v1/projects.locations.pipelineJobs
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from pipeline.local.metadata_store import Json
from pipeline.local.store import write

# By the state of a task, the mildest first. The outputs of a cached task lie in an older run.
# cloud.google.com/vertex-ai/docs/reference/rest/v1/projects.locations.pipelineJobs
STATES = {
    "SKIPPED": "cached",
    "SUCCEEDED": "ran",
    "PENDING": "not reached",
    "NOT_TRIGGERED": "not reached",
    "RUNNING": "interrupted",
    "CANCEL_PENDING": "interrupted",
    "CANCELLING": "interrupted",
    "CANCELLED": "interrupted",
    "FAILED": "failed",
}
# TFX compiles this one node to a task for the blessing and one for the model.
RESOLVER, RESOLVER_TASKS = "LastBlessed", "LastBlessed-"


class TaskDetails:
    """The details of each task that has begun, in order."""

    def __init__(self) -> None:
        self._details: list[Json] = []

    @contextmanager
    def of(self, task: str) -> Iterator[Json]:
        """The detail of a task, for as long as it runs."""
        detail: Json = {"taskName": task, "state": "RUNNING", "startTime": _now()}
        self._details.append(detail)
        try:
            yield detail
        except BaseException as error:
            detail |= {"state": "FAILED", "error": {"message": str(error)}}
            raise
        finally:
            detail["endTime"] = _now()
        if detail["state"] == "RUNNING":
            detail["state"] = "SUCCEEDED"

    def write(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(self._details, indent=1)
        write(file, text)


def node_of(task: str) -> str:
    """The pipeline's node that the task is compiled from."""
    return RESOLVER if task.startswith(RESOLVER_TASKS) else task


def _now() -> str:
    return datetime.now(UTC).isoformat()
