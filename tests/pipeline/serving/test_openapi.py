"""The OpenAPI document: a valid one, true to the schema, the sample and the server's limits."""

import json

import pytest
from fastapi.openapi.models import OpenAPI

from pipeline.serving.contract import MAXIMUM_INSTANCES
from pipeline.serving.loading import Model
from pipeline.serving.openapi import document

SCHEMA = """
feature { name: "fare" type: FLOAT }
feature { name: "hour" type: INT }
feature { name: "payment_type" type: BYTES domain: "payment_type" }
feature { name: "company" type: BYTES string_domain { value: "Blue" value: "Red" } }
feature { name: "tips" type: FLOAT }
string_domain { name: "payment_type" value: "Cash" value: "Card" }
"""
FEATURES = ["fare", "hour", "payment_type", "company"]
SAMPLE = {"fare": 12.5, "company": "Blue"}


class Engine:
    """What the document tells of an engine."""

    serving = {"model": "cab"}
    types = dict.fromkeys(FEATURES)
    signatures = dict.fromkeys(["transform_features", "serving_default"])
    sample = SAMPLE


@pytest.fixture(scope="module")
def described(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cab") / "7"
    assets = folder / "assets.extra"
    assets.mkdir(parents=True)
    (assets / "schema.pbtxt").write_text(SCHEMA)
    return document(Model(Engine(), folder, str(folder), "0" * 64), "/predict")


@pytest.fixture(scope="module")
def instance(described):
    return described["components"]["schemas"]["Instance"]


def test_it_is_openapi(described):
    content = json.dumps(described)

    OpenAPI.model_validate_json(content)


def test_an_instance_has_the_served_features_and_the_row_key(instance):
    assert list(instance["properties"]) == [*FEATURES, "_key"]
    assert instance["additionalProperties"] is False


@pytest.mark.parametrize(
    ("feature", "kind"), [("fare", "number"), ("hour", "integer"), ("company", "string")]
)
def test_a_feature_has_its_type_and_may_be_unknown(instance, feature, kind):
    assert instance["properties"][feature]["type"] == [kind, "null"]


@pytest.mark.parametrize(
    ("feature", "values"), [("company", ["Blue", "Red"]), ("payment_type", ["Cash", "Card"])]
)
def test_the_schemas_values_are_examples(instance, feature, values):
    assert instance["properties"][feature]["examples"] == values


def test_the_sample_is_the_example(instance):
    assert instance["examples"] == [SAMPLE]


def test_it_names_the_model_that_it_describes(described):
    assert described["info"] == {"title": "cab", "version": "7"}


def test_a_request_has_the_servers_limits(described):
    properties = described["components"]["schemas"]["Request"]["properties"]

    assert properties["instances"]["maxItems"] == MAXIMUM_INSTANCES
    signature = properties["parameters"]["properties"]["signature"]
    assert signature["enum"] == ["serving_default", "transform_features"]
