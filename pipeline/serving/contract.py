"""The body of a prediction request under Vertex's contract, or an AI Platform client's; what is wrong with it is told in one sentence."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

MAXIMUM_INSTANCES = 1000
MAXIMUM_BYTES = 10_000_000  # Vertex logs no larger payload
FIELDS = ("instances", "parameters", "signature_name")
PARAMETERS = ("signature",)
KEY = re.compile(rb'"\s*:')
KINDS = {dict: "an object", list: "a list", str: "a string", bool: "a boolean", type(None): "null"}


class RequestError(Exception):
    """A request that is answered with this status and sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


@dataclass(frozen=True)
class Question:
    instances: list[Any]
    signature: str | None  # None asks for the model's default


def parse(body: bytes | bytearray) -> Question:
    """The question in a body; which features an instance may have is the engine's to say. Raises RequestError."""
    try:
        asked = orjson.loads(body)
    except orjson.JSONDecodeError as error:  # NaN too, and numbers that no double holds
        raise RequestError(400, f"the body is not JSON: {error}") from error
    if not isinstance(asked, dict):
        raise RequestError(
            400, f"the body is {_kind(asked)}, allowed is an object with {', '.join(FIELDS)}"
        )
    _refuse_unknown("the body", asked, FIELDS)
    question = Question(_instances(asked), _signature(asked))
    _refuse_repeated(body, asked)
    return question


def _instances(asked: dict[str, Any]) -> list[Any]:
    if "instances" not in asked:
        raise RequestError(
            400, "the body holds no instances, allowed is a list of objects of features"
        )
    instances = asked["instances"]
    if not isinstance(instances, list):
        raise RequestError(
            400, f"instances is {_kind(instances)}, allowed is a list of objects of features"
        )
    if not instances:
        raise RequestError(400, f"instances is empty, allowed are 1 to {MAXIMUM_INSTANCES}")
    if len(instances) > MAXIMUM_INSTANCES:
        raise RequestError(
            413,
            f"there are {len(instances)} instances, allowed are at most {MAXIMUM_INSTANCES} a request",
        )
    return instances


def _signature(asked: dict[str, Any]) -> str | None:
    """By either spelling; null is as good as absent."""
    parameters = asked.get("parameters")
    if parameters is not None and not isinstance(parameters, dict):
        raise RequestError(
            400,
            f"parameters is {_kind(parameters)}, allowed is an object with {', '.join(PARAMETERS)}",
        )
    _refuse_unknown("parameters", parameters or {}, PARAMETERS)
    spelled = {
        "parameters.signature": (parameters or {}).get("signature"),
        "signature_name": asked.get("signature_name"),
    }
    given = {spelling: name for spelling, name in spelled.items() if name is not None}
    for spelling, name in given.items():
        if not isinstance(name, str):
            raise RequestError(
                400, f"{spelling} is {_kind(name)}, allowed is the name of a signature"
            )
    if len(set(given.values())) > 1:
        raise RequestError(
            400,
            "parameters.signature and signature_name differ, allowed is one signature a request",
        )
    return next(iter(given.values()), None)


def _refuse_unknown(what: str, found: dict[str, Any], allowed: tuple[str, ...]) -> None:
    """A misspelt name would otherwise be answered by the default signature, and nobody the wiser."""
    for name in found:
        if name not in allowed:
            raise RequestError(400, f"{what} holds {_shown(name)}, allowed: {', '.join(allowed)}")


def _refuse_repeated(body: bytes | bytearray, asked: dict[str, Any]) -> None:
    """Of a key that is there twice a parser keeps the last. Only where a body has more colons than keys is it worth a slower parser's look."""
    if len(KEY.findall(body)) == sum(len(part) for _, part in _objects(asked)):
        return
    for what, part in _objects(json.loads(body, object_pairs_hook=_Object)):
        if part.repeated is not None:
            raise RequestError(400, f"{what} {_shown(part.repeated)} twice")


def _objects(asked: Any) -> Iterator[tuple[str, Any]]:
    yield "the body holds", asked
    if asked.get("parameters") is not None:
        yield "parameters holds", asked["parameters"]
    yield from (
        (f"instance {place} holds the feature", part)
        for place, part in enumerate(asked["instances"])
        if isinstance(part, dict)
    )


class _Object(dict[str, Any]):
    """A JSON object that remembers a key it was given more than once."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.repeated = (
            None
            if len(self) == len(pairs)
            else Counter(key for key, _ in pairs).most_common(1)[0][0]
        )


def _kind(value: Any) -> str:
    return KINDS.get(type(value), "a number")


def _shown(name: str) -> str:
    text = repr(name)
    return text if len(text) <= 80 else f"{text[:77]}..."
