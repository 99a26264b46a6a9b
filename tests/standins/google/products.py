"""The differences between Google's products.

How a new object gets its name, what the cloud adds to it, and how it is changed.
"""

import re
from collections.abc import Callable
from typing import Any

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
AT_ONCE: dict[tuple[str, str], Body] = {  # without an operation all the same
    ("POST", "pipelineJobs"): {},
    ("PATCH", "endpoints"): {
        "done": True
    },  # the provider waits for the answer as if it were an operation
    ("PATCH", "models"): {},
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
ROLES = {"Writers": "WRITER", "Owners": "OWNER", "Readers": "READER"}
DATASET_ACCESS = [
    {"role": role, "specialGroup": f"project{group}"} for group, role in ROLES.items()
]


def new_key(store: Store, call: Call) -> Key:
    """The caller's name, from this product's place for it, or one of the cloud's."""
    if call.method == "PUT":
        return call.key
    body, number = call.body, str(next(store.numbers))
    if call.product == "iam":
        own = (
            body.get("roleId")
            or f"{body['accountId']}@{call.path.split('/')[1]}.iam.gserviceaccount.com"
        )
    elif call.product == "big_query":
        own = (
            body["tableReference"]["tableId"]
            if "tableReference" in body
            else body["datasetReference"]["datasetId"]
        )
    elif call.product == "logging":
        own = body["name"].replace("/", "%2F")
    elif call.product in ("monitoring", "billing", "cloud_build"):
        own = number
    else:
        ids = (value for name, value in call.query.items() if name.endswith(("Id", "_id")))
        own = next(ids, "") or body.get("name", "").rsplit("/", 1)[-1] or number
    return Key(call.product, f"{call.path}/{own}")


def unwrapped(collection: str, body: Body) -> Body:
    """Some requests carry the object inside a field, beside its id or a mask."""
    return dict(body.get(WRAPPERS.get(collection, ""), body))


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
    own = DRESS.get((key.product, key.collection), lambda _: {})(Subject(store, key, body))
    return {**common, **body, **own}


def _bucket(new: Subject) -> Body:
    name, location = new.body["name"], new.body.get("location", "US").upper()
    return {
        "kind": "storage#bucket",
        "id": name,
        "name": name,
        "location": location,
        "locationType": "multi-region" if location in ("US", "EU", "ASIA") else "region",
        "storageClass": new.body.get("storageClass") or "STANDARD",
        "softDeletePolicy": new.body.get("softDeletePolicy")
        or {"retentionDurationSeconds": "604800"},
        "projectNumber": new.store.project_number(""),
        "timeCreated": now(),
        "updated": now(),
        "metageneration": "1",
    }


def _dataset(new: Subject) -> Body:
    return {
        "id": new.body["datasetReference"]["datasetId"],
        "datasetReference": {
            "projectId": new.key.name.split("/")[1],
            **new.body["datasetReference"],
        },
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
    number = new.store.project_number(new.key.name.split("/")[1])
    return {
        "writerIdentity": f"serviceAccount:service-{number}@gcp-sa-logging.iam.gserviceaccount.com"
    }


def _service_account(new: Subject) -> Body:
    email = new.key.name.rsplit("/", 1)[-1]
    return {
        "name": new.key.name,
        "email": email,
        "projectId": new.key.name.split("/")[1],
        "uniqueId": str(next(new.store.numbers)),
    }


def _by_number(new: Subject) -> Body:
    """Workload identity and dashboards name their project by its number."""
    _, project, path = new.key.name.split("/", 2)
    return {"name": f"projects/{new.store.project_number(project)}/{path}", "state": "ACTIVE"}


def _alert_policy(new: Subject) -> Body:
    conditions = [
        {"name": f"{new.key.name}/conditions/{n}", **condition}
        for n, condition in enumerate(new.body.get("conditions", []), 1)
    ]
    return {"name": new.key.name, "conditions": conditions}


def _trigger(new: Subject) -> Body:
    return {"id": new.key.name.rsplit("/", 1)[-1], "resourceName": new.key.name}


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
    collection = re.split("/", call.path)[-1 if call.method == "POST" and not call.verb else -2]
    if call.product not in OPERATIONS:
        return answer
    if (call.method, collection) in AT_ONCE:
        return {**answer, **AT_ONCE[call.method, collection]}
    singular = re.sub("ies$", "y", collection).removesuffix("s")
    type_name = (
        f"{OPERATIONS[call.product]}.{singular[0].upper()}{singular[1:]}"
        if answer
        else "google.protobuf.Empty"
    )
    response: dict[str, Any] = {"@type": f"type.googleapis.com/{kind or type_name}", **answer}
    parent = "/".join(call.path.split("/")[:4]) if "/locations/" in call.path else call.path
    return {
        "name": f"{parent}/operations/{next(store.numbers)}",
        "done": True,
        "response": response,
    }
