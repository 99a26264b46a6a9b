"""Vertex' pipeline jobs, pending until somebody moves them on.

`GoogleApis.on_pipeline_job` does, or a test.
"""

from tests.standins.google.error import RefusedError
from tests.standins.google.listing import clauses, page
from tests.standins.google.store import Body, Call, Store, now

ENDED = {f"PIPELINE_STATE_{state}" for state in ("SUCCEEDED", "FAILED", "CANCELLED")}


def listing(store: Store, call: Call) -> Body:
    """The jobs, filtered by labels.KEY="VALUE" alone.

    They are ordered by their creation, the oldest first unless orderBy says otherwise.
    """
    order = call.query.get("orderBy", "create_time")
    if order not in ("create_time", "create_time asc", "create_time desc"):
        raise RefusedError(400, f"Invalid order_by: {order}")
    filters = clauses(call.query.get("filter", ""), r"labels\.[\w-]+")
    labels = {(name.removeprefix("labels."), value) for name, value in filters}
    jobs = [job for job in store.children(call.key) if labels <= job.get("labels", {}).items()]
    jobs.sort(key=lambda job: job["createTime"])
    return page("pipelineJobs", jobs[::-1] if order.endswith("desc") else jobs, call.query)


def cancel(store: Store, call: Call) -> Body:
    """Cancel at once; Google's own job goes through CANCELLING first."""
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
