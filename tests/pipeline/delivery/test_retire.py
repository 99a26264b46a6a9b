"""A model is taken from its callers before its folder goes."""

import json
from dataclasses import replace

import pytest

from pipeline.delivery import history, record_object
from pipeline.delivery.record import EMPTY, delivered
from pipeline.gcp.endpoints import endpoint_of
from pipeline.gcp.stage import Stage
from tests.pipeline.delivery.conftest import DEV, FIRST, push_version


@pytest.fixture
def served(google) -> dict[str, str]:
    """Two versions of cab on dev's endpoint, each with traffic, and the record of both models."""
    stage = Stage(DEV)
    ids = {number: push_version(stage, number) for number in ("1", "2")}
    endpoint_of(stage, "cab").split({ids["1"]: 30, ids["2"]: 70})
    both = delivered(delivered(EMPTY, "cab", FIRST), "ferry", replace(FIRST, run="another"))
    record_object.update(stage, lambda _: both)
    return ids


def test_a_retired_model_has_no_machine_no_traffic_and_no_record(served, cli):
    result = cli("release", "retire", "--env", "dev", "cab", "--json")

    assert result.code == 0
    assert json.loads(result.out) == {"model": "cab", "undeployed": [served["1"], served["2"]]}
    assert endpoint_of(Stage(DEV), "cab").deployed() == {}
    assert list(record_object.read(Stage(DEV)).models) == ["ferry"]
    [change] = history.read(Stage(DEV), "cab")
    assert change.cause == "retire"
    assert change.shares == {}


def test_a_model_can_be_retired_after_its_folder_has_gone(served, cli, monkeypatch, tmp_path):
    monkeypatch.setattr("settings.MODELS", tmp_path)

    result = cli("release", "retire", "--env", "dev", "cab")

    assert result.code == 0
    assert "cab serves no more in dev" in result.out


def test_what_was_interrupted_is_retired_by_the_next_call(served, cli, google):
    endpoint_of(Stage(DEV), "cab").undeploy(served["1"])

    result = cli("release", "retire", "--env", "dev", "cab", "--json")

    assert json.loads(result.out)["undeployed"] == [served["2"]]


def test_the_images_of_a_retired_model_are_left_to_the_cleanup(served, cli, google):
    name = DEV.names.image("pipeline").partition("/")[2]
    google.registry.put_image(name, revision="d" * 40, tag=f"recorded-{'d' * 12}")

    cli("release", "retire", "--env", "dev", "cab")

    tags = [tag for image, tag in google.registry.tags if image == name]
    assert tags == []


def test_an_unknown_model_is_a_sentence(served, cli):
    result = cli("release", "retire", "--env", "dev", "cabs")

    assert result.code == 2
    assert "no model 'cabs' delivered to dev, allowed are cab, ferry" in result.sentence
