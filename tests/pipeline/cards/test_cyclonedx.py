import json
import math
import subprocess

import pytest

from pipeline.cards import cyclonedx
from settings import REPOSITORY

# The library is in the infra venv, with the schema that CycloneDX publishes.
VALIDATE = """
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
sys.exit(str(JsonStrictValidator(SchemaVersion.V1_6).validate_str(sys.stdin.read()) or ""))
"""


@pytest.fixture
def problem():
    """What CycloneDX's own schema says against a bill, empty for a valid one."""

    def validate(text):
        command = ["build/environment", "infra", "python", "-c", VALIDATE]
        process = subprocess.run(
            command, cwd=REPOSITORY, input=text, capture_output=True, text=True
        )
        return process.stderr.strip()

    return validate


def test_a_bill_is_valid(make_card, problem):
    card = make_card(license="other", license_name="ours", users=["us"], out_of_scope=["them"])

    assert problem(cyclonedx.bill(card)) == ""


def test_a_bill_with_a_wrong_key_is_not(make_card, problem):
    text = cyclonedx.bill(make_card())

    assert "lerning" in problem(text.replace('"approach"', '"lerning"'))


@pytest.mark.parametrize("value", [None, math.nan])
def test_a_bill_without_a_number_says_so_and_is_valid(make_card, summary, problem, value):
    summary["metrics"]["auc"] = value

    text = cyclonedx.bill(make_card())

    card = json.loads(text)["metadata"]["component"]["modelCard"]
    first, *_ = card["quantitativeAnalysis"]["performanceMetrics"]
    assert first["value"] == "no number"
    assert problem(text) == ""


@pytest.fixture
def bill(make_card):
    return json.loads(cyclonedx.bill(make_card()))


def test_a_bill_names_the_model_its_data_and_its_libraries(bill):
    model = bill["metadata"]["component"]
    assert model["hashes"] == [{"alg": "SHA-256", "content": "a" * 64}]
    data, library = bill["components"]
    assert data["version"] == "d" * 64
    assert library["purl"] == "pkg:pypi/tfx@1.21.0"
    assert bill["dependencies"] == [{"ref": "model", "dependsOn": ["data", library["purl"]]}]


def test_a_library_s_address_is_as_its_scheme_writes_it(make_card, summary, problem):
    environment = summary["records"]["environment"]
    environment["packages"] = {"Keras_Tuner": "1.4.7+cpu"}

    text = cyclonedx.bill(make_card())

    _, library = json.loads(text)["components"]
    assert library["purl"] == "pkg:pypi/keras-tuner@1.4.7%2Bcpu"
    assert library["name"] == "Keras_Tuner"
    assert problem(text) == ""


def test_a_bill_holds_the_record_s_figures(bill):
    card = bill["metadata"]["component"]["modelCard"]
    first, *_ = card["quantitativeAnalysis"]["performanceMetrics"]
    assert first == {
        "type": "auc",
        "value": "0.8125",
        "slice": "all",
        "confidenceInterval": {"lowerBound": "0.78125", "upperBound": "0.84375"},
    }
