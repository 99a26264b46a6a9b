"""Vertex' pipeline jobs, pending until somebody moves them on.

`GoogleApis.on_pipeline_job` does, or a test.
"""

from operator import itemgetter

from tests.standins.google.error import RefusedError
from tests.standins.google.filters import Filter
from tests.standins.google.listing import page
from tests.standins.google.store import Body, Call, Store, camel_case, now

ENDED = {"PIPELINE_STATE_SUCCEEDED", "PIPELINE_STATE_FAILED", "PIPELINE_STATE_CANCELLED"}
FIELDS = (
    *("pipeline_name", "display_name", "state"),
    *("create_time", "update_time", "end_time", "labels"),
)
ORDERS = ("create_time", "create_time asc", "create_time desc")


def listing(store: Store, call: Call) -> Body:
    """The jobs that meet the filter, without the details of their tasks.

    They are ordered by their creation, the newest first unless orderBy says otherwise:
    google.cloud.aiplatform_v1.types, ListPipelineJobsRequest and PipelineJob.
    """
    order = call.query.get("orderBy", "create_time desc")
    if order not in ORDERS:
        raise RefusedError(400, f"Invalid order_by: {order}")
    condition = Filter(FIELDS).condition(call.query.get("filter", ""))
    matches = [job for job in store.children(call.key) if condition(job)]
    matches.sort(key=itemgetter("createTime"))
    if order.endswith("desc"):
        matches.reverse()
    names = [camel_case(name) for name in call.query.get("readMask", "").split(",") if name]
    return page("pipelineJobs", [_listed(job, names) for job in matches], call.query)


def _listed(job: Body, names: list[str]) -> Body:
    """The fields of readMask, all without one."""
    return {
        name: value
        for name, value in job.items()
        if name != "jobDetail" and (not names or name in names)
    }


def cancel(store: Store, call: Call) -> Body:
    """Cancel at once; Google's own job goes through CANCELLING first."""
    if call.key.collection != "pipelineJobs":
        raise RefusedError(501, f"the stand-in cancels pipeline jobs alone, not {call.path}")
    state = store.get(call.key)["state"]
    if state in ENDED:
        raise RefusedError(
            400,
            f"{call.path} has ended as {state}, so it cannot be cancelled.",
            "FAILED_PRECONDITION",
        )
    store.change(call.key, {"state": "PIPELINE_STATE_CANCELLED", "endTime": now()})
    return {}
