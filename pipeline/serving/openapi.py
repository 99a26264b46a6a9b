"""The OpenAPI document of a served model, made from its schema.pbtxt and its sample."""

from typing import Any

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from pipeline.serving.contract import MAXIMUM_INSTANCES
from pipeline.serving.loading import Model
from pipeline.serving.row_key import MAXIMUM_CHARACTERS, ROW_KEY

Json = dict[str, Any]
TYPES: dict[int, Json] = {
    schema_pb2.INT: {"type": ["integer", "null"], "format": "int64"},
    schema_pb2.FLOAT: {"type": ["number", "null"], "format": "float"},
    schema_pb2.BYTES: {"type": ["string", "null"]},
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
    "503": "the model is still loading, or the server is about to stop",
    "504": "X-Request-Timeout passed before the model was asked",
}


def document(model: Model, predict_route: str) -> Json:
    """OpenAPI 3.1 for one route; the model's sample is its example."""
    engine = model.engine
    text = (model.folder / "assets.extra/schema.pbtxt").read_text(encoding="utf-8")
    schema = text_format.Parse(text, schema_pb2.Schema())
    columns = {feature.name: feature for feature in schema.feature}
    properties = {name: _feature(columns[name], schema) for name in engine.types}
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
        "content": _json("Predictions"),
    }
    refusals = {code: _refusal(sentence) for code, sentence in REFUSALS.items()}
    return {
        "operationId": "predict",
        "summary": "Ask for one prediction an instance",
        "requestBody": {"required": True, "content": _json("Request")},
        "responses": {"200": answer, **refusals},
    }


def _feature(feature: schema_pb2.Feature, schema: schema_pb2.Schema) -> Json:
    content = dict(TYPES[feature.type])
    values = _values(feature, schema)
    if values:
        content["examples"] = values[:EXAMPLES]
    return content


def _values(feature: schema_pb2.Feature, schema: schema_pb2.Schema) -> list[str]:
    """The strings that the schema names for this feature; others are taken, too."""
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
    parameters = {
        "type": "object",
        "properties": {"signature": {"type": "string", "enum": sorted(signatures)}},
        "additionalProperties": False,
    }
    request = _object({"instances": instances})
    request["properties"]["parameters"] = parameters
    return request


def _object(properties: Json) -> Json:
    """An object that has all of these."""
    return {"type": "object", "properties": properties, "required": list(properties)}


def _refusal(sentence: str) -> Json:
    return {"description": sentence, "content": _json("Error")}


def _json(schema: str) -> Json:
    return {"application/json": {"schema": _reference(schema)}}


def _reference(schema: str) -> Json:
    return {"$ref": f"#/components/schemas/{schema}"}
