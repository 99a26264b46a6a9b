"""An endpoint's answers to :predict.

The deployed models take turns by the traffic split, exactly, without chance.
"""

import json
from collections import Counter
from collections.abc import Callable

from tests.standins.google import request_log
from tests.standins.google.error import RefusedError
from tests.standins.google.store import Body, Call, Key, Store


def half(request: Body) -> tuple[int, Body]:
    """A deployed model's answer if a test gave it no other."""
    return 200, {"predictions": [0.5 for _ in request["instances"]]}


def predict(store: Store, call: Call) -> Callable[[], Body]:
    """The prediction, yet to be made: a slow model must not keep the rest of the cloud waiting."""
    deployed = next_model(store, call.key)
    id_ = deployed["id"]
    version = deployed["modelVersionId"]
    key = Key(call.product, f"{deployed['model']}/versions/{version}")
    model = store.objects.get(key, {})
    description = {
        "deployedModelId": id_,
        "model": deployed["model"],
        "modelDisplayName": model.get("displayName", ""),
        "modelVersionId": version,
    }
    version_answer = store.answers.get(version, half)
    answer = store.answers.get(id_, version_answer)

    def answered() -> Body:
        status, body = answer(call.body)
        request_log.log(store, deployed, call, status)
        return {**predictions(status, body), **description}

    return answered


def predictions(status: int, body: Body) -> Body:
    if status != 200:
        raise RefusedError(status, json.dumps(body))
    return body


def next_model(store: Store, key: Key) -> Body:
    """The deployed model furthest behind its share.

    Each hundred requests under one split give each model its percent.
    """
    endpoint = store.get(key)
    deployed_models = endpoint.get("deployedModels", [])
    models = {model["id"]: model for model in deployed_models}
    split = endpoint.get("trafficSplit", {})
    if not split:
        raise RefusedError(
            400,
            f"Endpoint {key.name} has no deployed model that takes traffic.",
            "FAILED_PRECONDITION",
        )
    shares = tuple(sorted(split.items()))
    counts = store.requests.setdefault((key, shares), Counter())
    turn = counts.total() + 1
    debts = {id_: share * turn - 100 * counts[id_] for id_, share in split.items()}
    creditor = max(debts, key=debts.__getitem__)
    counts[creditor] += 1
    return models[creditor]
