"""TFX's own examples of a node's artifacts on Vertex are read as what they are."""

import json
from pathlib import Path
from typing import Any

import pytest
import tfx

from tests.pipeline.lineage.jobs import Jobs

PLACE = Path(tfx.__file__).parent / "orchestration/kubeflow/v2/container/testdata"


@pytest.fixture
def read(google, vertex_store) -> dict[str, Any]:
    """The artifacts of the example's node by their keys, as the lineage's store reads them."""
    invocation = json.loads((PLACE / "executor_invocation.json").read_text())
    result = json.loads((PLACE / "expected_output_metadata.json").read_text())
    outputs = invocation["outputs"]["artifacts"]
    for key, group in result["artifacts"].items():
        [artifact], [made] = outputs[key]["artifacts"], group["artifacts"]
        artifact |= made
    inputs = invocation["inputs"]["artifacts"]
    detail = {"taskName": "Evaluator", "state": "SUCCEEDED", "inputs": inputs, "outputs": outputs}
    google.tell_tasks(Jobs(google).submit("r1"), [detail])
    [execution] = vertex_store.of_run("r1")
    groups = {**vertex_store.inputs(execution), **vertex_store.outputs(execution)}
    return {key: artifact for key, [artifact] in groups.items()}


def test_their_types_are_those_of_tfx(read):
    types = {key: artifact.type for key, artifact in read.items()}

    assert types == {
        "input_1": "Examples",
        "input_2": "Examples",
        "output": "ExampleStatistics",
        "blessing": "ModelBlessing",
    }


def test_their_properties_are_kept_and_numbers_are_whole(read):
    blessing = read["blessing"].properties

    assert read["output"].properties["my_property"] == "my_value"
    assert read["input_1"].properties["custom_property_2"] == 42
    assert repr(blessing["blessed"]) == "1"


def test_a_property_names_an_artifact_as_the_store_does(read):
    blessing = read["blessing"].properties

    assert blessing["baseline_model_id"] == read["input_1"].id
    assert blessing["current_model_id"] == read["input_2"].id
