"""The body of a prediction request under Vertex's contract, or an AI Platform client's.

One sentence tells what is wrong with it.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from pipeline.serving.examples import shown

MAXIMUM_INSTANCES = 1000
MAXIMUM_BYTES = 10_000_000  # Vertex logs no larger payload
GZIP = b"\x1f\x8b"  # how each gzip file begins
FIELDS = ("instances", "parameters", "signature_name")
PARAMETERS = ("signature",)
KEY = re.compile(rb'"\s*:')
KEY_WITHOUT_SPACE = b'":'
SPACES_BEFORE_A_COLON = (b" :", b"\t:", b"\n:", b"\r:")
KINDS = {dict: "an object", list: "a list", str: "a string", bool: "a boolean", type(None): "null"}


class RequestError(Exception):
    """An error answer to a request: its status and sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


@dataclass(frozen=True)
class Question:
    instances: list[Any]
    signature: str | None  # None asks for the model's default


def parse(body: bytes | bytearray) -> Question:
    """The question in a body; raises RequestError.

    The engine checks the features of each instance.
    """
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError as error:  # NaN too, and numbers that no double holds
        raise RequestError(400, f"the body is not JSON: {_encoding(body) or error}") from error
    if not isinstance(content, dict):
        names = ", ".join(FIELDS)
        raise RequestError(400, f"the body is {_kind(content)}, allowed is an object with {names}")
    _refuse_unknown("the body", content, FIELDS)
    instances = _instances(content)
    question = Question(instances, _signature(content))
    _refuse_repeated(body, content)
    return question


def _encoding(body: bytes | bytearray) -> str | None:
    """The body's fault as UTF-8, or None; the parser calls it surrogates."""
    if body.startswith(GZIP):
        return "it is gzip, allowed with the header Content-Encoding: gzip"
    try:
        body.decode("utf-8")
    except UnicodeDecodeError as error:
        return f"it is not UTF-8 from byte {error.start} on"
    return None


def _instances(content: dict[str, Any]) -> list[Any]:
    if "instances" not in content:
        raise RequestError(
            400, "the body holds no instances, allowed is a list of objects of features"
        )
    instances = content["instances"]
    if not isinstance(instances, list):
        raise RequestError(
            400, f"instances is {_kind(instances)}, allowed is a list of objects of features"
        )
    if not instances:
        raise RequestError(400, f"instances is empty, allowed are 1 to {MAXIMUM_INSTANCES}")
    if len(instances) > MAXIMUM_INSTANCES:
        raise RequestError(
            413,
            f"there are {len(instances)} instances, "
            f"allowed are at most {MAXIMUM_INSTANCES} a request",
        )
    return instances


def _signature(content: dict[str, Any]) -> str | None:
    """By either spelling; null is as good as absent."""
    parameters = content.get("parameters")
    if parameters is None:
        parameters = {}
    if not isinstance(parameters, dict):
        names = ", ".join(PARAMETERS)
        raise RequestError(
            400, f"parameters is {_kind(parameters)}, allowed is an object with {names}"
        )
    _refuse_unknown("parameters", parameters, PARAMETERS)
    names_by_spelling = {
        "parameters.signature": parameters.get("signature"),
        "signature_name": content.get("signature_name"),
    }
    signatures = set()
    for spelling, name in names_by_spelling.items():
        if name is None:
            continue
        if not isinstance(name, str):
            raise RequestError(
                400, f"{spelling} is {_kind(name)}, allowed is the name of a signature"
            )
        signatures.add(name)
    if len(signatures) > 1:
        raise RequestError(
            400,
            "parameters.signature and signature_name differ, allowed is one signature a request",
        )
    return signatures.pop() if signatures else None


def _refuse_unknown(subject: str, content: dict[str, Any], allowed_names: tuple[str, ...]) -> None:
    """Refuse a misspelt name.

    The default signature would otherwise answer it unnoticed.
    """
    for name in content:
        if name not in allowed_names:
            names = ", ".join(allowed_names)
            raise RequestError(400, f"{subject} holds {shown(name)}, allowed: {names}")


def _refuse_repeated(body: bytes | bytearray, content: dict[str, Any]) -> None:
    """Refuse a repeated key, since a parser keeps only the last.

    The JSON parser that sees repeats is slower: it runs only if there are more colons than keys.
    """
    colons = _count_colons(body)
    keys = sum(len(part) for _, part in _objects(content))
    if colons == keys:
        return
    content_with_repeated = json.loads(body, object_pairs_hook=_Object)
    for subject, part in _objects(content_with_repeated):
        if part.repeated is not None:
            raise RequestError(400, f"{subject} {shown(part.repeated)} twice")


def _count_colons(body: bytes | bytearray) -> int:
    """How often a string is followed by a colon; nearly nobody puts a space between."""
    if any(spaced in body for spaced in SPACES_BEFORE_A_COLON):
        return len(KEY.findall(body))
    return body.count(KEY_WITHOUT_SPACE)


def _objects(content: Any) -> Iterator[tuple[str, Any]]:
    yield "the body holds", content
    parameters = content.get("parameters")
    if parameters is not None:
        yield "parameters holds", parameters
    for place, instance in enumerate(content["instances"]):
        if isinstance(instance, dict):
            yield f"instance {place} holds the feature", instance


class _Object(dict[str, Any]):
    """A JSON object and its repeated key, if any."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.repeated: str | None = None
        if len(self) != len(pairs):
            counts = Counter(key for key, _ in pairs)
            [(self.repeated, _)] = counts.most_common(1)


def _kind(value: Any) -> str:
    return KINDS.get(type(value), "a number")
