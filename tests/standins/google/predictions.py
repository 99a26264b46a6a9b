"""An endpoint's answers to :predict.

The deployed models take turns by the traffic split, exactly, without chance.
"""

import json
from collections import Counter
from collections.abc import Callable

from tests.standins.google.error import RefusedError
from tests.standins.google.store import Body, Call, Key, ModelAnswer, Store


def half(asked: Body) -> tuple[int, Body]:
    """A deployed model's answer if a test gave it no other."""
    return 200, {"predictions": [0.5 for _ in asked["instances"]]}


def predict(store: Store, call: Call) -> Callable[[], Body]:
    """The prediction, yet to be made: a slow model must not keep the rest of the cloud waiting."""
    deployed = chosen(store, call.key)
    version = deployed["modelVersionId"]
    model = store.objects.get(Key(call.product, f"{deployed['model']}/versions/{version}"), {})
    described = {
        "deployedModelId": deployed["id"],
        "model": deployed["model"],
        "modelDisplayName": model.get("displayName", ""),
        "modelVersionId": version,
    }
    answer = store.answers.get(deployed["id"]) or store.answers.get(version) or half
    return lambda: {**predictions(answer, call.body), **described}


def predictions(answer: ModelAnswer, asked: Body) -> Body:
    status, body = answer(asked)
    if status != 200:
        raise RefusedError(status, json.dumps(body))
    return body


def chosen(store: Store, key: Key) -> Body:
    """The deployed model furthest behind its share.

    Each hundred requests under one split give each model its percent.
    """
    endpoint = store.get(key)
    models = {model["id"]: model for model in endpoint.get("deployedModels", [])}
    split = endpoint.get("trafficSplit", {})
    if not split:
        raise RefusedError(
            400,
            f"Endpoint {key.name} has no deployed model that takes traffic.",
            "FAILED_PRECONDITION",
        )
    counts = store.asked.setdefault((key, tuple(sorted(split.items()))), Counter())
    turn = counts.total() + 1
    behind = max(split, key=lambda number: split[number] * turn - 100 * counts[number])
    counts[behind] += 1
    return models[behind]
