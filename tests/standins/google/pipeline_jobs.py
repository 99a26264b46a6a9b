"""Vertex' pipeline jobs, pending until somebody moves them on.

`GoogleApis.on_pipeline_job` does, or a test.
"""

from operator import itemgetter

from tests.standins.google.error import RefusedError
from tests.standins.google.listing import clauses, page
from tests.standins.google.store import Body, Call, Store, now

ENDED = {"PIPELINE_STATE_SUCCEEDED", "PIPELINE_STATE_FAILED", "PIPELINE_STATE_CANCELLED"}
ORDERS = ("create_time", "create_time asc", "create_time desc")


def listing(store: Store, call: Call) -> Body:
    """The jobs, filtered by labels.KEY="VALUE" alone.

    They are ordered by their creation, the oldest first unless orderBy says otherwise.
    """
    order = call.query.get("orderBy", "create_time")
    if order not in ORDERS:
        raise RefusedError(400, f"Invalid order_by: {order}")
    filters = clauses(call.query.get("filter", ""), r"labels\.[\w-]+")
    labels = {(name.removeprefix("labels."), value) for name, value in filters}
    jobs = store.children(call.key)
    matches = [job for job in jobs if labels <= job.get("labels", {}).items()]
    matches.sort(key=itemgetter("createTime"))
    if order.endswith("desc"):
        matches.reverse()
    return page("pipelineJobs", matches, call.query)


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
