"""From a request to Google's answer.

The rules all products share come first, then what `products` and `refusals` say.
"""

import re
import time
from collections.abc import Callable

from tests.standins.google import (
    builds,
    compute,
    keys,
    metadata,
    pipeline_jobs,
    refusals,
    request_log,
    time_series,
)
from tests.standins.google.error import RefusedError
from tests.standins.google.listing import EMPTY_PAGE, page
from tests.standins.google.products import (
    SOFT_DELETED,
    dressed,
    new_key,
    operation,
    trigger_subscription,
    unwrapped,
)
from tests.standins.google.store import Answered, Body, Call, Key, Store, Subject, camel_case
from tests.standins.google.verbs import VERBS

PROJECTS = ("resource_manager", "resource_manager_v3", "cloud_resource_manager", "compute")
OUTPUT_FIELDS = ("id", "createTime", "resourceName")  # of a trigger: the cloud sets them
SLOW = ("vertex_ai", "artifact_registry")
HOOKED = ("pipelineJobs",)  # whose making a hook hears of
ACCOUNT_OF_ANY_PROJECT = re.compile(r"^projects/-/(serviceAccounts/[^@]+@([^.]+))")
ALWAYS_THERE = (*PROJECTS, "cloud_billing")  # projects and billing accounts, which no stack makes


def answer(store: Store, call: Call) -> Answered:
    if call.product == "cloud_build":
        call = builds.regional(call)
    if call.product == "compute":
        call = compute.uniform(call)
    if call.verb == "testIamPermissions" or call.path.endswith("/iam/testPermissions"):
        return held_permissions(store, call)
    bucket_policy = call.product == "storage" and call.path.endswith("/iam")
    if bucket_policy or call.verb.endswith("IamPolicy"):
        return iam_policy(store, call)
    if "/metadataStores" in call.path:
        return metadata.answer(store, call)
    if store.empty_first_pages and is_listing(call) and "pageToken" not in call.query:
        return dict(EMPTY_PAGE)
    if call.verb in VERBS:
        return VERBS[call.verb](store, call)
    if (call.method, call.product, call.key.id) == ("POST", "big_query", "queries"):
        return request_log.query(store, call)
    return METHODS[call.method](store, call)


def held_permissions(store: Store, call: Call) -> Body:
    """All asked permissions but a test's withheld ones; none on a missing object.

    https://cloud.google.com/storage/docs/json_api/v1/buckets/testIamPermissions asks by the query.
    """
    path = call.path.removesuffix("/iam/testPermissions")
    if Key(call.product, path) not in store.objects:
        return {}
    asked_permissions = call.body.get("permissions") or call.values.get("permissions", [])
    withheld = {permission for name, permission in store.withheld if path.endswith(name)}
    return {"permissions": [name for name in asked_permissions if name not in withheld]}


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
    if call.product in PROJECTS and call.path.count("/") == 1:
        return Key("resource_manager", call.path)
    path = ACCOUNT_OF_ANY_PROJECT.sub(r"projects/\2/\1", call.path)
    return Key(call.product, path.removesuffix("/iam"))


def read(store: Store, call: Call) -> Body:
    segments = call.path.split("/")
    if call.product == "vertex_ai" and segments[-1] == "operations":
        resource, _, _ = call.path.rpartition("/")
        names = store.ongoing(Key(call.product, resource))
        return {"operations": [{"name": name} for name in names]}
    if "operations" in segments:
        return read_operation(store, call)
    if call.product in PROJECTS and len(segments) == 2:
        return project(store, call.key.id, call.product)
    if len(segments) % 2 == 0:
        return store.get(policy_key(call))
    if listing := LISTINGS.get((call.product, call.key.id)):
        return listing(store, call)
    return collection(store, call)


def is_listing(call: Call) -> bool:
    if call.method != "GET":
        return False
    segments = call.path.split("/")
    return call.verb == "listVersions" or (not call.verb and len(segments) % 2 == 1)


def collection(store: Store, call: Call) -> Body:
    """A page of a collection, under both of its names in Google's APIs."""
    children = store.children(call.key)
    return {**page(call.key.id, children, call.query), **page("items", children, call.query)}


def buckets(store: Store, call: Call) -> Body:
    """A page of a project's buckets: all of Google Cloud share their names, not their listing."""
    number = store.project_number(call.query.get("project", ""))
    prefix = call.query.get("prefix", "")
    bodies = [
        body
        for body in store.children(call.key)
        if body["projectNumber"] == number and body["name"].startswith(prefix)
    ]
    return page("items", bodies, call.query)


def bucket_objects(store: Store, call: Call) -> Body:
    """A page of a bucket's objects."""
    prefix = call.query.get("prefix", "")
    bodies = [body for body in store.children(call.key) if body["name"].startswith(prefix)]
    return page("items", bodies, call.query)


def read_operation(store: Store, call: Call) -> Body:
    if call.path in store.creations:
        return store.end_creation(call.path)
    if call.product == "cloud_build":
        return builds.read_operation(store, call)
    if call.product == "compute":
        return compute.operation(call.path)
    return {"name": call.path, "done": True, "response": {}}


def project(store: Store, project_id: str, product: str) -> Body:
    number = store.project_number(project_id)
    if product == "compute":
        return {"id": number, "name": project_id}
    return {
        "projectNumber": number,
        "projectId": project_id,
        "lifecycleState": "ACTIVE",
        "name": project_id,
    }


def create(store: Store, call: Call) -> Body:
    key = new_key(store, call)
    body = unwrapped(key.collection, call.body)
    if key.kind == ("storage", "b"):
        body["projectNumber"] = store.project_number(call.query.get("project", ""))
    if check := refusals.CREATE.get(key.kind):
        check(Subject(store, key, body))
    if store.slow_creations and call.product in SLOW:
        return begin_creation(store, call, key, body)
    resource = store.create(key, dressed(store, key, body))
    if store.slow_log_metrics and key.kind == ("logging", "metrics"):
        store.unready[key] = time.time()
    if key.collection in HOOKED:
        store.tell(key)
    return operation(store, call, resource)


def begin_creation(store: Store, call: Call, key: Key, body: Body) -> Body:
    """An operation that has not ended; its resource is not there yet."""
    if key in store.objects:
        raise RefusedError(409, f"{key.name} already exists.")
    resource = dressed(store, key, body)
    ended_operation = operation(store, call, resource)
    name = ended_operation["name"]
    store.creations[name] = key, resource, ended_operation
    return {"name": name}


def change(store: Store, call: Call) -> Body:
    creates = call.product == "pubsub" or call.key not in store.objects
    if call.method == "PUT" and creates:
        return create(store, call)
    fields = unwrapped(call.key.collection, call.body)
    if check := refusals.CREATE.get(call.key.kind):
        check(Subject(store, call.key, fields))
    key = policy_key(call)
    replaced_names = mask(store, call)
    if check_mask := refusals.MASK.get(key.kind):
        check_mask(set(replaced_names))
    if check := refusals.CHANGE.get(key.kind):
        changed = store.changed(key, fields, replaced_names)
        check(Subject(store, key, changed))
    resource = store.change(key, fields, replaced_names)
    return operation(store, call, resource)


def mask(store: Store, call: Call) -> list[str]:
    """The fields to replace as a whole; a trigger's change replaces all of its caller's fields."""
    if call.product == "cloud_build":
        return [name for name in store.get(call.key) if name not in OUTPUT_FIELDS]
    paths = call.query.get("updateMask") or call.body.get("updateMask") or ""
    return [camel_case(path) for path in paths.split(",")]


def delete(store: Store, call: Call) -> Body:
    key = policy_key(call)
    if check := refusals.DELETE.get(key.kind):
        check(Subject(store, key, call.query))
    if tombstone := SOFT_DELETED.get(key.collection):
        resource = store.change(key, tombstone)
        return operation(store, call, resource)
    resource = store.objects.get(key, {})
    store.delete(key)
    if "pubsubConfig" in resource and not store.unknowns.keeps_subscriptions:
        subscription = trigger_subscription(key, resource)
        store.objects.pop(subscription, None)
    store.log_rows.pop(key, None)
    if key.collection == "subscriptions":
        builds.deafen(store, key)
    if key.collection == "serviceAccounts":
        orphan(store, f"serviceAccount:{key.id}")
    return operation(store, call, {})


def orphan(store: Store, member: str) -> None:
    """Keep a deleted account in its policies, under a name no new account gets."""
    for policy in store.policies.values():
        for binding in policy.get("bindings", []):
            members = binding["members"]
            for index, name in enumerate(members):
                if name == member:
                    members[index] = f"deleted:{member}?uid={next(store.numbers)}"


# those that can be asked for less than all
LISTINGS: dict[tuple[str, str], Callable[[Store, Call], Body]] = {
    ("cloud_build", "builds"): builds.listing,
    ("storage", "b"): buckets,
    ("storage", "o"): bucket_objects,
    ("kms", "publicKey"): keys.public_key,
    ("monitoring", "timeSeries"): time_series.listing,
    ("vertex_ai", "pipelineJobs"): pipeline_jobs.listing,
}
METHODS = {"GET": read, "POST": create, "PUT": change, "PATCH": change, "DELETE": delete}
