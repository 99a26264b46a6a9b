"""The OpenAPI document: a valid one, true to the schema, the sample and the server's limits."""

import json

import pytest
from fastapi.openapi.models import OpenAPI

from pipeline.serving import contract
from pipeline.serving.application import SHED
from pipeline.serving.contract import FIELDS, MAXIMUM_INSTANCES, PARAMETERS
from pipeline.serving.examples import Encoder, InstanceError
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
TYPES = {"fare": "FLOAT", "hour": "INT", "payment_type": "BYTES", "company": "BYTES"}
FEATURES = list(TYPES)
SAMPLE = {"fare": 12.5, "company": "Blue"}


class Engine:
    """What the document tells of an engine."""

    serving = {"model": "cab"}
    types = TYPES
    signatures = dict.fromkeys(["transform_features", "serving_default"])
    sample = SAMPLE


@pytest.fixture(scope="module")
def described(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cab") / "7"
    assets = folder / "assets.extra"
    assets.mkdir(parents=True)
    (assets / "schema.pbtxt").write_text(SCHEMA)
    model = Model(Engine(), folder, str(folder), "0" * 64, is_verified=True)
    return document(model, "/predict")


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
    assert signature["enum"] == ["serving_default", "transform_features", None]


@pytest.mark.parametrize("feature", ["fare", "hour"])
@pytest.mark.parametrize("bound", ["minimum", "maximum"])
def test_a_numbers_bounds_are_the_servers(instance, feature, bound):
    number = instance["properties"][feature][bound]
    # The next one that a double holds.
    beyond = number * (1 + 2**-52) if feature == "fare" else number + (-1 if number < 0 else 1)
    encoder = Encoder(TYPES)

    encoder.record(0, {feature: number})

    with pytest.raises(InstanceError):
        encoder.record(0, {feature: beyond})


def test_a_request_holds_the_fields_that_the_server_takes(described):
    request = described["components"]["schemas"]["Request"]

    assert tuple(request["properties"]) == FIELDS
    assert request["additionalProperties"] is False
    parameters = request["properties"]["parameters"]
    assert tuple(parameters["properties"]) == PARAMETERS


@pytest.mark.parametrize("nothing", ["parameters", "signature_name"])
def test_a_field_that_may_be_null_is_taken_as_null(described, nothing):
    request = described["components"]["schemas"]["Request"]
    body = json.dumps({"instances": [{}], nothing: None})

    question = contract.parse(body.encode())

    assert "null" in request["properties"][nothing]["type"]
    assert question.signature is None


def test_each_status_of_a_prediction_is_told(described):
    [path] = described["paths"].values()

    statuses = set(path["post"]["responses"])

    shed = {str(status) for status, _ in SHED.values()} - {"499"}  # nobody reads that answer
    assert shed < statuses
    assert {"200", "400", "413", "415", "500", "503"} < statuses


def test_the_headers_of_question_and_answer_are_told(described):
    [path] = described["paths"].values()

    [parameter] = path["post"]["parameters"]
    responses = path["post"]["responses"]
    assert parameter["name"] == "X-Request-Timeout"
    assert list(responses["200"]["headers"]) == ["X-Model-Version", "X-Model-Digest"]
    assert list(responses["429"]["headers"]) == ["Retry-After"]
