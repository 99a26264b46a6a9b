"""The requests beyond create, read, change and delete.

POST .../endpoints/7:deployModel and its like.
"""

import base64
from collections.abc import Callable

from tests.standins.google import builds, log_entries, messages, pipeline_jobs, predictions
from tests.standins.google.error import RefusedError
from tests.standins.google.products import operation
from tests.standins.google.refusals import traffic
from tests.standins.google.store import Answered, Body, Call, Key, Store, Subject, now


def enable_services(store: Store, call: Call) -> Body:
    project = call.path.split("/")[1]
    for service in call.body.get("serviceIds") or [call.path.rsplit("/", 1)[-1]]:
        name = f"projects/{store.project_number(project)}"
        body = {
            "name": f"{name}/services/{service}",
            "parent": name,
            "config": {"name": service},
            "state": "ENABLED",
        }
        store.objects[Key(call.product, f"projects/{project}/services/{service}")] = body
    return operation(store, call, {})


def disable_service(store: Store, call: Call) -> Body:
    if call.product == "service_usage":
        store.delete(call.key)
        return operation(store, call, {})
    return store.change(call.key, {"disabled": True, "state": "DISABLED"})


def enable(store: Store, call: Call) -> Body:
    if call.product == "service_usage":
        return enable_services(store, call)
    return store.change(call.key, {"disabled": False, "state": "ENABLED"})


def undelete(store: Store, call: Call) -> Body:
    return operation(
        store,
        call,
        store.change(
            call.key, {"deleted": None, **({} if call.product == "iam" else {"state": "ACTIVE"})}
        ),
    )


def add_version(store: Store, call: Call) -> Body:
    """A secret's next version; its payload is kept beside it for access."""
    store.get(call.key)
    key = Key(call.product, f"{call.path}/versions/{len(store.below(call.key)) + 1}")
    return store.create(
        key,
        {
            "name": key.name,
            "createTime": now(),
            "state": "ENABLED",
            "payload": call.body.get("payload", {}),
        },
    )


def access(store: Store, call: Call) -> Body:
    secret, _, version = call.path.rpartition("/versions/")
    key = Key(
        call.product,
        (
            f"{secret}/versions/"
            f"{len(store.below(Key(call.product, secret))) if version == 'latest' else version}"
        ),
    )
    return {
        "name": key.name,
        "payload": {"data": base64.b64encode(b"").decode(), **store.get(key)["payload"]},
    }


def upload_model(store: Store, call: Call) -> Body:
    """Make a model, or the next version of parentModel.

    The latest version is the default.
    """
    if parent := call.body.get("parentModel"):
        key = Key(call.product, parent)
        store.get(key)
    else:
        key = Key(call.product, f"{call.path}/{call.body.get('modelId') or next(store.numbers)}")
        store.create(key, {})
    older = store.below(key).values()
    for aliases in (model.get("versionAliases", []) for model in older):
        aliases[:] = [
            alias for alias in aliases if alias not in call.body["model"].get("versionAliases", [])
        ]
    version, times = (
        str(len(older) + 1),
        dict.fromkeys(
            ("createTime", "updateTime", "versionCreateTime", "versionUpdateTime"), now()
        ),
    )
    machines = {
        "supportedDeploymentResourcesTypes": ["DEDICATED_RESOURCES"]
    }  # by which Google's client decides what to ask for
    model = {**call.body["model"], **machines, "name": key.name, "versionId": version, **times}
    store.objects[key] = store.create(Key(call.product, f"{key.name}/versions/{version}"), model)
    uploaded = {"model": key.name, "modelVersionId": version}
    return operation(store, call, uploaded, "google.cloud.aiplatform.v1.UploadModelResponse")


def delete_version(store: Store, call: Call) -> Body:
    store.delete(call.key)
    return operation(store, call, {})


def deploy_model(store: Store, call: Call) -> Body:
    """Split the traffic: the first deployed model takes all of it.

    Later ones take what the split gives, where "0" is the new one.
    """
    endpoint, body = store.get(call.key), call.body["deployedModel"]
    models = endpoint.get("deployedModels", [])
    name, _, version = body["model"].partition("@")
    registered = store.get(Key(call.product, name))
    version = {"model": name, "modelVersionId": version or registered["versionId"]}
    new = {"id": str(next(store.numbers)), "createTime": now(), **body, **version}
    split = call.body.get("trafficSplit") or (endpoint["trafficSplit"] if models else {"0": 100})
    ids = {"0": new["id"]}
    split = {ids.get(number, number): share for number, share in split.items()}
    set_traffic(store, call.key, [*models, new], split)
    return operation(
        store, call, {"deployedModel": new}, "google.cloud.aiplatform.v1.DeployModelResponse"
    )


def undeploy_model(store: Store, call: Call) -> Body:
    endpoint, id_ = store.get(call.key), call.body["deployedModelId"]
    remaining = [model for model in endpoint.get("deployedModels", []) if model["id"] != id_]
    if remaining == endpoint.get("deployedModels", []):
        raise RefusedError(404, f"DeployedModel {id_} was not found on {call.path}.")
    split = call.body.get("trafficSplit") or endpoint.get("trafficSplit", {})
    if remaining and split.get(id_):
        raise RefusedError(
            400,
            (
                f"DeployedModel {id_} has {split[id_]}% of the traffic; give it to others before "
                "undeploying it."
            ),
        )
    set_traffic(
        store,
        call.key,
        remaining,
        {number: share for number, share in split.items() if number != id_},
    )
    return operation(store, call, {}, "google.cloud.aiplatform.v1.UndeployModelResponse")


def set_traffic(store: Store, endpoint: Key, models: list[Body], split: dict[str, int]) -> None:
    fields = {"deployedModels": models, "trafficSplit": split}
    traffic(Subject(store, endpoint, fields))
    store.objects[endpoint] |= fields


VERBS: dict[str, Callable[[Store, Call], Answered]] = {
    "access": access,
    "addVersion": add_version,
    "batchEnable": enable_services,
    "cancel": pipeline_jobs.cancel,
    "deleteVersion": delete_version,
    "deployModel": deploy_model,
    "destroy": lambda store, call: store.change(call.key, {"state": "DESTROYED"}),
    "disable": disable_service,
    "enable": enable,
    "listVersions": lambda store, call: {"models": list(store.below(call.key).values())},
    "pause": lambda store, call: store.change(call.key, {"state": "PAUSED"}),
    "predict": predictions.predict,
    "publish": messages.publish,
    "resume": lambda store, call: store.change(call.key, {"state": "ENABLED"}),
    "run": builds.run,
    "undelete": undelete,
    "undeployModel": undeploy_model,
    "upload": upload_model,
    "write": log_entries.write,
}
