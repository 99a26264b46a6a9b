"""The newest jobs of a stage on Vertex Pipelines, by two requests and without Google's library."""

from collections.abc import Iterator
from typing import Any

from pipeline.gcp.clients import answered
from pipeline.gcp.metadata_store import quoted
from pipeline.gcp.pipeline_jobs import ACTIVE
from pipeline.gcp.stage import Stage

Json = dict[str, Any]
NEWEST = 100  # that have ended
FIELDS = "name,state,create_time,labels"
PREFIX = "PIPELINE_STATE_"
ANSWER_SECONDS = 15


def newest(stage: Stage) -> Iterator[Json]:
    """Yield the jobs that have not ended, then the newest ones, each once."""
    of_stage = f"labels.environment={quoted(stage.name)}"
    states = " OR ".join(f'state="{PREFIX}{state}"' for state in ACTIVE)
    names = set()
    for condition in (f"{of_stage} AND ({states})", of_stage):
        for job in _page(stage, condition):
            if job["name"] not in names:
                names.add(job["name"])
                yield job


def state(job: Json) -> str:
    """`running`, or how the job has ended: succeeded, failed or cancelled."""
    word = str(job["state"]).removeprefix(PREFIX)
    return "running" if word in ACTIVE else word.lower()


def _page(stage: Stage, condition: str) -> list[Json]:
    """The first jobs.

    Google may answer an empty page before others: https://google.aip.dev/158.
    """
    parameters = {
        "filter": condition,
        "orderBy": "create_time desc",
        "pageSize": str(NEWEST),
        "readMask": FIELDS,
    }
    address = f"v1/{stage.parent}/pipelineJobs"
    while True:
        response = stage.vertex_rest.request(
            "GET", address, params=parameters, timeout=ANSWER_SECONDS
        )
        page = answered(response).json()
        jobs: list[Json] = page.get("pipelineJobs", [])
        if jobs or not page.get("nextPageToken"):
            return jobs
        parameters["pageToken"] = page["nextPageToken"]
