"""The requests beyond create, read, change and delete.

POST .../endpoints/7:deployModel and its like.
"""

from collections.abc import Callable, Iterable

from tests.standins.google import builds, keys, log_entries, messages, pipeline_jobs, predictions
from tests.standins.google.error import RefusedError
from tests.standins.google.listing import page
from tests.standins.google.products import operation
from tests.standins.google.refusals import model_labels, server_variables, traffic
from tests.standins.google.store import Answered, Body, Call, Key, Store, Subject, now

VERTEX = "google.cloud.aiplatform.v1"
MODEL_TIMES = ("createTime", "updateTime", "versionCreateTime", "versionUpdateTime")


def enable_services(store: Store, call: Call) -> Body:
    project = call.key.project
    parent = f"projects/{store.project_number(project)}"
    for service in call.body.get("serviceIds") or [call.key.id]:
        key = Key(call.product, f"projects/{project}/services/{service}")
        store.objects[key] = {
            "name": f"{parent}/services/{service}",
            "parent": parent,
            "config": {"name": service},
            "state": "ENABLED",
        }
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
    fields: Body = {"deleted": None}
    if call.product != "iam":
        fields["state"] = "ACTIVE"
    resource = store.change(call.key, fields)
    return operation(store, call, resource)


def add_version(store: Store, call: Call) -> Body:
    """A secret's next version; its payload is kept beside it for access."""
    store.get(call.key)
    number = len(store.below(call.key)) + 1
    key = Key(call.product, f"{call.path}/versions/{number}")
    body = {
        "name": key.name,
        "createTime": now(),
        "state": "ENABLED",
        "payload": call.body.get("payload", {}),
    }
    return store.create(key, body)


def access(store: Store, call: Call) -> Body:
    secret, _, version = call.path.rpartition("/versions/")
    if version == "latest":
        versions = store.below(Key(call.product, secret))
        version = str(len(versions))
    key = Key(call.product, f"{secret}/versions/{version}")
    payload = store.get(key)["payload"]
    return {"name": key.name, "payload": {"data": "", **payload}}


def upload_model(store: Store, call: Call) -> Body:
    """Make a model, or the next version of parentModel.

    The latest version is the default.
    """
    new_model = call.body["model"]
    server_variables(new_model.get("containerSpec", {}))
    model_labels(new_model.get("labels", {}))
    key = model_key(store, call)
    older_versions = store.below(key)
    number = str(len(older_versions) + 1)
    model = {
        **new_model,
        # by which Google's client decides what to ask for
        "supportedDeploymentResourcesTypes": ["DEDICATED_RESOURCES"],
        "name": key.name,
        "versionId": number,
        **dict.fromkeys(MODEL_TIMES, now()),
    }
    drop_aliases(older_versions.values(), model.get("versionAliases", []))
    version_key = Key(call.product, f"{key.name}/versions/{number}")
    store.objects[key] = store.create(version_key, model)
    response = {"model": key.name, "modelVersionId": number}
    return operation(store, call, response, f"{VERTEX}.UploadModelResponse")


def model_key(store: Store, call: Call) -> Key:
    """The existing parentModel's, or a new model's."""
    if parent := call.body.get("parentModel"):
        key = Key(call.product, parent)
        store.get(key)
        return key
    id_ = call.body.get("modelId") or next(store.numbers)
    key = Key(call.product, f"{call.path}/{id_}")
    store.create(key, {})
    return key


def drop_aliases(versions: Iterable[Body], new_aliases: list[str]) -> None:
    """An alias leaves the older versions for the new one."""
    for version in versions:
        aliases = version.get("versionAliases", [])
        aliases[:] = [alias for alias in aliases if alias not in new_aliases]


def delete_version(store: Store, call: Call) -> Body:
    store.delete(call.key)
    return operation(store, call, {})


def deploy_model(store: Store, call: Call) -> Body:
    """Split the traffic: the first deployed model takes all of it.

    Later ones take what the split gives, where "0" is the new one.
    """
    endpoint = store.get(call.key)
    models = endpoint.get("deployedModels", [])
    new_model = deployed_model(store, call)
    split = call.body.get("trafficSplit")
    if not split:
        split = endpoint["trafficSplit"] if models else {"0": 100}
    ids = {"0": new_model["id"]}
    new_split = {ids.get(id_, id_): share for id_, share in split.items()}
    response = {"deployedModel": new_model}
    ended_operation = operation(store, call, response, f"{VERTEX}.DeployModelResponse")
    if store.slow_creations:
        name = f"{call.path}/operations/{new_model['id']}"
        fields = {"deployedModels": [*models, new_model], "trafficSplit": new_split}
        store.creations[name] = call.key, fields, {**ended_operation, "name": name}
        return {"name": name}
    set_traffic(store, call.key, [*models, new_model], new_split)
    return ended_operation


def deployed_model(store: Store, call: Call) -> Body:
    body = call.body["deployedModel"]
    name, _, version = body["model"].partition("@")
    default_version = store.get(Key(call.product, name))
    return {
        "id": str(next(store.numbers)),
        "createTime": now(),
        **body,
        "model": name,
        "modelVersionId": version or default_version["versionId"],
    }


def undeploy_model(store: Store, call: Call) -> Body:
    endpoint = store.get(call.key)
    id_ = call.body["deployedModelId"]
    models = endpoint.get("deployedModels", [])
    other_models = [model for model in models if model["id"] != id_]
    if other_models == models:
        raise RefusedError(404, f"DeployedModel {id_} was not found on {call.path}.")
    split = dict(call.body.get("trafficSplit") or endpoint.get("trafficSplit", {}))
    share = split.pop(id_, 0)
    if other_models and share:
        raise RefusedError(
            400,
            (
                f"DeployedModel {id_} has {share}% of the traffic; give it to others before "
                "undeploying it."
            ),
        )
    set_traffic(store, call.key, other_models, split)
    return operation(store, call, {}, f"{VERTEX}.UndeployModelResponse")


def set_traffic(store: Store, endpoint: Key, models: list[Body], split: dict[str, int]) -> None:
    fields = {"deployedModels": models, "trafficSplit": split}
    traffic(Subject(store, endpoint, fields))
    store.objects[endpoint] |= fields


def cancel(store: Store, call: Call) -> Body:
    if call.product == "cloud_build":
        return builds.cancel(store, call)
    return pipeline_jobs.cancel(store, call)


def list_versions(store: Store, call: Call) -> Body:
    versions = store.below(call.key)
    return page("models", list(versions.values()), call.query)


VERBS: dict[str, Callable[[Store, Call], Answered]] = {
    "access": access,
    "addVersion": add_version,
    "asymmetricSign": keys.asymmetric_sign,
    "batchEnable": enable_services,
    "cancel": cancel,
    "deleteVersion": delete_version,
    "deployModel": deploy_model,
    "destroy": lambda store, call: store.change(call.key, {"state": "DESTROYED"}),
    "disable": disable_service,
    "enable": enable,
    "listVersions": list_versions,
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
