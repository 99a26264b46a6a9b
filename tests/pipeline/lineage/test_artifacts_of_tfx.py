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
    job = Jobs(google).submit("r1")
    google.tell_tasks(job, [detail()])
    [execution] = vertex_store.of_run("r1")
    groups = {**vertex_store.inputs(execution), **vertex_store.outputs(execution)}
    return {key: artifact for key, [artifact] in groups.items()}


def detail() -> dict[str, Any]:
    """The example's node as Vertex tells of it, its outputs as the executor left them."""
    invocation = example("executor_invocation.json")
    inputs = invocation["inputs"]["artifacts"]
    outputs = invocation["outputs"]["artifacts"]
    result = example("expected_output_metadata.json")
    for key, group in result["artifacts"].items():
        [artifact] = outputs[key]["artifacts"]
        [made] = group["artifacts"]
        artifact |= made
    return {"taskName": "Evaluator", "state": "SUCCEEDED", "inputs": inputs, "outputs": outputs}


def example(name: str) -> dict[str, Any]:
    text = (PLACE / name).read_text()
    content: dict[str, Any] = json.loads(text)
    return content


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
