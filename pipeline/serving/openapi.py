"""The OpenAPI document of a served model, made from its schema.pbtxt and its sample.

It says no more and no less than the server takes; `test_openapi.py` holds the two together.
"""

from typing import Any

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from pipeline.serving.contract import MAXIMUM_INSTANCES
from pipeline.serving.loading import Model
from pipeline.serving.numbers import INT64, LARGEST_FLOAT
from pipeline.serving.row_key import MAXIMUM_CHARACTERS, ROW_KEY

Json = dict[str, Any]
TYPES: dict[str, Json] = {  # by the names of serving.json
    "INT": {
        "type": ["integer", "null"],
        "format": "int64",
        "minimum": INT64[0],
        "maximum": INT64[-1],
    },
    "FLOAT": {
        "type": ["number", "null"],
        "format": "float",
        "minimum": -LARGEST_FLOAT,
        "maximum": LARGEST_FLOAT,
    },
    "BYTES": {"type": ["string", "null"]},
}
EXAMPLES = 10  # of a feature's values
KEY = {
    "type": "string",
    "minLength": 1,
    "maxLength": MAXIMUM_CHARACTERS,
    "description": "the caller's key for this row, for the request log alone",
}
REFUSALS = {
    "400": "the body, an instance or a feature is none that the model takes",
    "413": "the body, or the number of instances, is too large",
    "415": "the body's encoding or charset is none that the server reads",
    "429": "too many requests wait; Retry-After says for how many seconds to",
    "500": "the server failed at this request; its log tells why",
    "503": "the model is still loading, or the server is about to stop",
    "504": "X-Request-Timeout passed before the model was asked",
}


TIMEOUT = {
    "name": "X-Request-Timeout",
    "in": "header",
    "description": "seconds after which the caller waits no more, so that the model is not asked",
    "schema": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1_000_000},
}
HEADERS = {
    "X-Model-Version": "the version that answered",
    "X-Model-Digest": "the SHA-256 over all of its files",
}


def document(model: Model, predict_route: str) -> Json:
    """OpenAPI 3.1 for one route; the model's sample is its example."""
    engine = model.engine
    text = (model.folder / "assets.extra/schema.pbtxt").read_text(encoding="utf-8")
    schema = text_format.Parse(text, schema_pb2.Schema())
    columns = {feature.name: feature for feature in schema.feature}
    properties = {
        name: _feature(kind, columns.get(name), schema) for name, kind in engine.types.items()
    }
    instance = {
        "type": "object",
        "properties": {**properties, ROW_KEY: KEY},
        "additionalProperties": False,
        "examples": [engine.sample],
    }
    schemas = {
        "Instance": instance,
        "Request": _request(list(engine.signatures)),
        "Predictions": _object({"predictions": {"type": "array"}}),
        "Error": _object({"error": {"type": "string"}}),
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": model.name, "version": model.version},
        "paths": {predict_route: {"post": _operation()}},
        "components": {"schemas": schemas},
    }


def _operation() -> Json:
    answer = {
        "description": "one prediction for each instance, in the same order",
        "headers": {name: _header(sentence) for name, sentence in HEADERS.items()},
        "content": _json("Predictions"),
    }
    refusals = {code: _refusal(sentence) for code, sentence in REFUSALS.items()}
    refusals["429"]["headers"] = {"Retry-After": _header("seconds to wait")}
    return {
        "operationId": "predict",
        "summary": "Ask for one prediction an instance",
        "parameters": [TIMEOUT],
        "requestBody": {"required": True, "content": _json("Request")},
        "responses": {"200": answer, **refusals},
    }


def _feature(kind: str, column: schema_pb2.Feature | None, schema: schema_pb2.Schema) -> Json:
    content = dict(TYPES[kind])
    values = _values(column, schema) if column else []
    if values:
        content["examples"] = values[:EXAMPLES]
    return content


def _values(feature: schema_pb2.Feature, schema: schema_pb2.Schema) -> list[str]:
    """The schema's strings for this feature; others are accepted, too."""
    if feature.HasField("string_domain"):
        return list(feature.string_domain.value)
    domains = {domain.name: domain for domain in schema.string_domain}
    if feature.domain in domains:
        return list(domains[feature.domain].value)
    return []


def _request(signatures: list[str]) -> Json:
    instances = {
        "type": "array",
        "minItems": 1,
        "maxItems": MAXIMUM_INSTANCES,
        "items": _reference("Instance"),
    }
    signature = {"type": ["string", "null"], "enum": [*sorted(signatures), None]}
    parameters = {
        "type": ["object", "null"],
        "properties": {"signature": signature},
        "additionalProperties": False,
    }
    spelling = {**signature, "description": "as parameters.signature, which may not differ"}
    return {
        "type": "object",
        "properties": {
            "instances": instances,
            "parameters": parameters,
            "signature_name": spelling,
        },
        "required": ["instances"],
        "additionalProperties": False,
    }


def _object(properties: Json) -> Json:
    """An object with these properties, all required."""
    return {"type": "object", "properties": properties, "required": list(properties)}


def _header(sentence: str) -> Json:
    return {"description": sentence, "schema": {"type": "string"}}


def _refusal(sentence: str) -> Json:
    return {"description": sentence, "content": _json("Error")}


def _json(schema: str) -> Json:
    return {"application/json": {"schema": _reference(schema)}}


def _reference(schema: str) -> Json:
    return {"$ref": f"#/components/schemas/{schema}"}
