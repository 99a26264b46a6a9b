"""From a request to Google's answer.

The rules all products share come first, then what `products` and `refusals` say.
"""

import re
import time
from collections.abc import Callable

from tests.standins.google import builds, pipeline_jobs, time_series
from tests.standins.google import refusals as refusals
from tests.standins.google.products import SOFT_DELETED, dressed, new_key, operation, unwrapped
from tests.standins.google.store import Answered, Body, Call, Key, Store, Subject
from tests.standins.google.verbs import VERBS

PROJECTS = ("resource_manager", "resource_manager_v3", "cloud_resource_manager", "compute")
GIVEN = ("id", "createTime", "resourceName")  # by the cloud, to a trigger
TOLD = ("pipelineJobs",)  # whose making a hook hears of
ALWAYS_THERE = (*PROJECTS, "cloud_billing")  # projects and billing accounts, which no stack makes


def answer(store: Store, asked: Call) -> Answered:
    call = builds.regional(asked) if asked.product == "cloud_build" else asked
    if call.verb.endswith("IamPolicy") or (
        call.product == "storage" and call.path.endswith("/iam")
    ):
        return iam_policy(store, call)
    if call.verb in VERBS:
        return VERBS[call.verb](store, call)
    return METHODS[call.method](store, call)


def iam_policy(store: Store, call: Call) -> Body:
    key = policy_key(call)
    if key.product not in ALWAYS_THERE:
        store.get(key)
    if call.verb == "setIamPolicy" or call.method == "PUT":
        policy = call.body.get("policy", call.body)
        refusals.members(store, policy)
        return store.set_policy(key, policy)
    return store.policy(key)


def policy_key(call: Call) -> Key:
    """One key, whichever of the clients for projects asks.

    An account may leave its project to its address.
    """
    if call.product in PROJECTS:
        return Key("resource_manager", call.path)
    path = re.sub(r"^projects/-/(serviceAccounts/[^@]+@([^.]+))", r"projects/\2/\1", call.path)
    return Key(call.product, path.removesuffix("/iam"))


def read(store: Store, call: Call) -> Body:
    segments = call.path.split("/")
    if "operations" in segments and call.product == "cloud_build":
        return builds.read_operation(store, call)
    if "operations" in segments:
        return {"name": call.path, "done": True, "response": {}}
    if call.product in PROJECTS and len(segments) == 2:
        return project(store, segments[1], call.product)
    if len(segments) % 2 == 0:
        return store.get(policy_key(call))
    listing = LISTINGS.get((call.product, segments[-1]))
    return listing(store, call) if listing else store.listing(call.key)


def project(store: Store, project_id: str, product: str) -> Body:
    number = store.project_number(project_id)
    resource = {
        "projectNumber": number,
        "projectId": project_id,
        "lifecycleState": "ACTIVE",
        "name": project_id,
    }
    return {"id": number, "name": project_id} if product == "compute" else resource


def create(store: Store, call: Call) -> Body:
    key = new_key(store, call)
    body = unwrapped(key.collection, call.body)
    if check := refusals.CREATE.get((key.product, key.collection)):
        check(Subject(store, key, body))
    resource = store.create(key, dressed(store, key, body))
    if store.slow_log_metrics and (key.product, key.collection) == ("logging", "metrics"):
        store.unready[key] = time.time()
    if key.collection in TOLD:
        store.tell(key)
    return operation(store, call, resource)


def change(store: Store, call: Call) -> Body:
    if call.method == "PUT" and (call.product == "pubsub" or call.key not in store.objects):
        return create(store, call)
    fields = unwrapped(call.key.collection, call.body)
    if check := refusals.CREATE.get((call.product, call.key.collection)):
        check(Subject(store, call.key, fields))
    key, replaced = policy_key(call), mask(store, call)
    if check := refusals.CHANGE.get((key.product, key.collection)):
        check(Subject(store, key, store.changed(key, fields, replaced)))
    return operation(store, call, store.change(key, fields, replaced))


def mask(store: Store, call: Call) -> list[str]:
    """The fields to replace as a whole; a trigger's change replaces all of its caller's fields."""
    if call.product == "cloud_build":
        return [name for name in store.get(call.key) if name not in GIVEN]
    paths = call.query.get("updateMask") or call.body.get("updateMask") or ""
    return [re.sub(r"_(.)", lambda match: match[1].upper(), path) for path in paths.split(",")]


def delete(store: Store, call: Call) -> Body:
    key = policy_key(call)
    if check := refusals.DELETE.get((key.product, key.collection)):
        check(Subject(store, key, call.query))
    if deleted := SOFT_DELETED.get(key.collection):
        return operation(store, call, store.change(key, deleted))
    store.delete(key)
    if key.collection == "serviceAccounts":
        orphan(store, f"serviceAccount:{key.name.rsplit('/', 1)[-1]}")
    return operation(store, call, {})


def orphan(store: Store, member: str) -> None:
    """Keep a deleted account in its policies, under a name no new account gets."""
    for policy in store.policies.values():
        for binding in policy.get("bindings", []):
            binding["members"] = [
                f"deleted:{m}?uid={next(store.numbers)}" if m == member else m
                for m in binding["members"]
            ]


LISTINGS: dict[
    tuple[str, str], Callable[[Store, Call], Body]
] = {  # those that can be asked for less than all
    ("cloud_build", "builds"): builds.listing,
    ("monitoring", "timeSeries"): time_series.listing,
    ("vertex_ai", "pipelineJobs"): pipeline_jobs.listing,
}
METHODS = {"GET": read, "POST": create, "PUT": change, "PATCH": change, "DELETE": delete}
