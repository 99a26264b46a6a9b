"""Vertex' pipeline jobs, which stay pending until somebody moves them on: `GoogleApis.on_pipeline_job`, or a test."""

from tests.standins.google.error import RefusedError
from tests.standins.google.listing import clauses, page
from tests.standins.google.store import Body, Call, Store, now

ENDED = {f"PIPELINE_STATE_{state}" for state in ("SUCCEEDED", "FAILED", "CANCELLED")}


def listing(store: Store, call: Call) -> Body:
    """Filtered by labels.KEY="VALUE" alone; ordered by their creation, the oldest first unless orderBy says otherwise."""
    order = call.query.get("orderBy", "create_time")
    if order not in ("create_time", "create_time asc", "create_time desc"):
        raise RefusedError(400, f"Invalid order_by: {order}")
    asked = clauses(call.query.get("filter", ""), r"labels\.[\w-]+")
    wanted = {(name.removeprefix("labels."), value) for name, value in asked}
    jobs = [job for job in store.children(call.key) if wanted <= job.get("labels", {}).items()]
    jobs.sort(key=lambda job: job["createTime"])
    return page("pipelineJobs", jobs[::-1] if order.endswith("desc") else jobs, call.query)


def cancel(store: Store, call: Call) -> Body:
    """Google's own goes through CANCELLING; here it is at once what it becomes."""
    if call.key.collection != "pipelineJobs":
        raise RefusedError(501, f"the stand-in cancels pipeline jobs alone, not {call.path}")
    if (state := store.get(call.key)["state"]) in ENDED:
        raise RefusedError(
            400,
            f"{call.path} has ended as {state}, so it cannot be cancelled.",
            "FAILED_PRECONDITION",
        )
    store.change(call.key, {"state": "PIPELINE_STATE_CANCELLED", "endTime": now()})
    return {}
