"""The differences between Google's products.

How a new object gets its name, what the cloud adds to it, and how it is changed.
"""

import re
from collections.abc import Callable

from tests.standins.google import compute
from tests.standins.google.store import Body, Call, Key, Store, Subject, now

# products that answer a change with an operation, with the package of its response; iam_beta is the
# provider's name for workload identity
OPERATIONS = {
    "vertex_ai": "google.cloud.aiplatform.v1",
    "artifact_registry": "google.devtools.artifactregistry.v1",
    "cloudbuildv2": "google.devtools.cloudbuild.v2",
    "iam_beta": "google.iam.v1",
    "service_usage": "google.api.serviceusage.v1",
}
# without an operation all the same
AT_ONCE: dict[tuple[str, str], Body] = {
    ("POST", "pipelineJobs"): {},
    # the provider waits for the answer as if it were an operation
    ("PATCH", "endpoints"): {"done": True},
    ("PATCH", "models"): {},
    ("PATCH", "versions"): {},
}
WRAPPERS = {
    "serviceAccounts": "serviceAccount",
    "topics": "topic",
    "subscriptions": "subscription",
    "roles": "role",
}
SOFT_DELETED: dict[str, Body] = {
    "roles": {"deleted": True},
    "workloadIdentityPools": {"state": "DELETED"},
    "providers": {"state": "DELETED"},
}
MULTI_REGIONS = ("US", "EU", "ASIA")
SOFT_DELETE_POLICY = {"retentionDurationSeconds": "604800"}
DATASET_ACCESS = [
    {"role": "WRITER", "specialGroup": "projectWriters"},
    {"role": "OWNER", "specialGroup": "projectOwners"},
    {"role": "READER", "specialGroup": "projectReaders"},
]


def new_key(store: Store, call: Call) -> Key:
    """The caller's name, from this product's place for it, or one of the cloud's."""
    if call.method == "PUT":
        return call.key
    number = str(next(store.numbers))
    match call.product:
        case "iam":
            id_ = _iam_id(call)
        case "big_query":
            id_ = _big_query_id(call.body)
        case "logging":
            id_ = call.body["name"].replace("/", "%2F")
        case "monitoring" | "billing" | "cloud_build":
            id_ = number
        case _:
            id_ = _query_id(call) or _name_id(call.body) or number
    return Key(call.product, f"{call.path}/{id_}")


def _iam_id(call: Call) -> str:
    if role_id := call.body.get("roleId"):
        return role_id
    return f"{call.body['accountId']}@{call.key.project}.iam.gserviceaccount.com"


def _big_query_id(body: Body) -> str:
    if "tableReference" in body:
        return body["tableReference"]["tableId"]
    return body["datasetReference"]["datasetId"]


def _query_id(call: Call) -> str:
    for name, value in call.query.items():
        if name.endswith(("Id", "_id")):
            return value
    return ""


def _name_id(body: Body) -> str:
    name = body.get("name", "")
    return name.split("/")[-1]


def unwrapped(collection: str, body: Body) -> Body:
    """Some requests carry the object inside a field, beside its id or a mask."""
    wrapper = WRAPPERS.get(collection, "")
    return dict(body.get(wrapper, body))


def dressed(store: Store, key: Key, body: Body) -> Body:
    """A new object as the cloud answers it."""
    link = f"https://www.googleapis.com/{key.product}/{key.name}"
    common = {
        "name": key.name,
        "createTime": now(),
        "updateTime": now(),
        "etag": f"e{next(store.numbers)}",
        "selfLink": link,
    }
    if key.kind not in DRESS:
        return {**common, **body}
    dress = DRESS[key.kind]
    return {**common, **body, **dress(Subject(store, key, body))}


def _bucket(new: Subject) -> Body:
    name = new.body["name"]
    location = new.body.get("location", "US").upper()
    return {
        "kind": "storage#bucket",
        "id": name,
        "name": name,
        "location": location,
        "locationType": "multi-region" if location in MULTI_REGIONS else "region",
        "storageClass": new.body.get("storageClass") or "STANDARD",
        "softDeletePolicy": new.body.get("softDeletePolicy") or SOFT_DELETE_POLICY,
        "timeCreated": now(),
        "updated": now(),
        "metageneration": "1",
    }


def _dataset(new: Subject) -> Body:
    reference = new.body["datasetReference"]
    return {
        "id": reference["datasetId"],
        "datasetReference": {"projectId": new.key.project, **reference},
        "access": new.body.get("access") or DATASET_ACCESS,
        "creationTime": "1",
        "lastModifiedTime": "1",
    }


def _table(new: Subject) -> Body:
    return {
        "type": "VIEW" if "view" in new.body else "TABLE",
        "numBytes": "0",
        "numRows": "0",
        "creationTime": "1",
        "lastModifiedTime": "1",
    }


def _sink(new: Subject) -> Body:
    number = new.store.project_number(new.key.project)
    writer = f"service-{number}@gcp-sa-logging.iam.gserviceaccount.com"
    return {"writerIdentity": f"serviceAccount:{writer}"}


def _service_account(new: Subject) -> Body:
    return {
        "name": new.key.name,
        "email": new.key.id,
        "projectId": new.key.project,
        "uniqueId": str(next(new.store.numbers)),
    }


def _by_number(new: Subject) -> Body:
    """Workload identity and dashboards name their project by its number."""
    _, project, path = new.key.name.split("/", 2)
    number = new.store.project_number(project)
    return {"name": f"projects/{number}/{path}", "state": "ACTIVE"}


def _alert_policy(new: Subject) -> Body:
    numbered_conditions = enumerate(new.body.get("conditions", []), 1)
    conditions = [
        {"name": f"{new.key.name}/conditions/{number}", **condition}
        for number, condition in numbered_conditions
    ]
    return {"name": new.key.name, "conditions": conditions}


def _trigger(new: Subject) -> Body:
    """One on messages gets a subscription of Cloud Build's making.

    https://cloud.google.com/build/docs/api/reference/rest/v1/projects.triggers#PubsubConfig
    """
    fields: Body = {"id": new.key.id, "resourceName": new.key.name}
    if config := new.body.get("pubsubConfig"):
        subscription = trigger_subscription(new.key, new.body)
        new.store.create(subscription, {"name": subscription.name, "topic": config["topic"]})
        fields["pubsubConfig"] = {**config, "subscription": subscription.name, "state": "OK"}
    return fields


def trigger_subscription(trigger: Key, body: Body) -> Key:
    return Key("pubsub", f"projects/{trigger.project}/subscriptions/gcb-{body['name']}")


def _pipeline_job(new: Subject) -> Body:
    return {"name": new.key.name, "state": "PIPELINE_STATE_PENDING"}


def _named(new: Subject) -> Body:
    return {"name": new.key.name}


DRESS: dict[tuple[str, str], Callable[[Subject], Body]] = {
    ("storage", "b"): _bucket,
    ("big_query", "datasets"): _dataset,
    ("big_query", "tables"): _table,
    ("iam", "serviceAccounts"): _service_account,
    ("iam", "roles"): _named,
    ("iam_beta", "workloadIdentityPools"): _by_number,
    ("iam_beta", "providers"): _by_number,
    ("logging", "sinks"): _sink,
    ("monitoring", "alertPolicies"): _alert_policy,
    ("monitoring", "notificationChannels"): _named,
    ("cloud_build", "triggers"): _trigger,
    ("artifact_registry", "repositories"): _named,
    ("cloudbuildv2", "connections"): _named,
    ("cloudbuildv2", "repositories"): _named,
    ("billing", "budgets"): _named,
    ("vertex_ai", "endpoints"): _named,
    ("vertex_ai", "pipelineJobs"): _pipeline_job,
}


def operation(store: Store, call: Call, answer: Body, kind: str | None = None) -> Body:
    """`answer` as this product gives it: itself, or inside a finished operation."""
    if call.product == "compute" and call.method != "GET":
        place, _, _ = call.path.partition("/networks")
        return compute.operation(f"{place}/operations/{next(store.numbers)}")
    if call.product not in OPERATIONS:
        return answer
    creates = call.method == "POST" and not call.verb
    collection = call.key.id if creates else call.key.collection
    if (call.method, collection) in AT_ONCE:
        return {**answer, **AT_ONCE[call.method, collection]}
    if not answer:
        kind = kind or "google.protobuf.Empty"
    type_name = kind or f"{OPERATIONS[call.product]}.{_type_name(collection)}"
    return {
        "name": f"{_operation_parent(call.path)}/operations/{next(store.numbers)}",
        "done": True,
        "response": {"@type": f"type.googleapis.com/{type_name}", **answer},
    }


def _type_name(collection: str) -> str:
    """Repository, of repositories."""
    singular = re.sub("ies$", "y", collection).removesuffix("s")
    return f"{singular[0].upper()}{singular[1:]}"


def _operation_parent(path: str) -> str:
    """An operation is below its location, or below an object without a location."""
    if "/locations/" not in path:
        return path
    segments = path.split("/")
    return "/".join(segments[:4])
