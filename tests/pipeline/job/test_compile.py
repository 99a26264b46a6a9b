"""Compiled jobs: Vertex gets the job of the rehearsal.

Only ExampleGen, Pusher, Beam's arguments, paths and image differ, and the Trainer where a stage
trains on machines of Vertex's.
"""

import copy
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pipeline.model.folder import ModelFolder
from tests.pipeline.conftest import IMAGE, IMAGES, WORKER_IMAGE, parsed

DIFFERING = {"ExampleGen", "Pusher"}


@dataclass
class Node:
    """A node of a job: its task, component and executor."""

    task: dict[str, Any]
    component: dict[str, Any]
    executor: dict[str, Any]

    @property
    def container(self) -> dict[str, Any] | None:
        return self.executor.get("container")

    @property
    def arguments(self) -> list[str]:
        return self.container["args"]

    def parameter(self, name: str) -> Any:
        inputs = self.task["inputs"]
        parameter = inputs["parameters"][name]
        return parameter["runtimeValue"]["constant"]


@pytest.fixture
def compiled(cli, tmp_path):
    """Compile a model's job for a stage or for here."""

    def call(stage, *images, model="cab"):
        places = ("--output", tmp_path, "--runs", tmp_path / "runs")
        result = cli("compile", model, "--env", stage, *places, "--json", *images)
        assert result.code == 0, result.err
        [file] = parsed(result)
        text = Path(file).read_text(encoding="utf-8")
        return json.loads(text)

    return call


@pytest.fixture
def stage_nodes(compiled):
    """The nodes of a model's job for a stage."""

    def call(stage, model="cab"):
        job = compiled(stage, *IMAGES, model=model)
        return nodes(job)

    return call


def nodes(job):
    """The job's nodes by name."""
    spec = job["pipelineSpec"]
    components = spec["components"]
    executors = spec["deploymentSpec"]["executors"]
    by_name = {}
    dag = spec["root"]["dag"]
    for name, task in dag["tasks"].items():
        reference = task["componentRef"]
        component = components[reference["name"]]
        executor = executors[component["executorLabel"]]
        common_name = with_one_example_gen(name)
        by_name[common_name] = Node(task, component, executor)
    return by_name


def with_one_example_gen(text):
    """The text with one name for the two ExampleGens."""
    return re.sub("(BigQuery|Csv)ExampleGen", "ExampleGen", text)


def neutral_nodes(job):
    """The text of each node, without its variable parts."""
    by_name = nodes(job)
    uri = by_name["ImportSchemaGen"].parameter("schema_file")
    module_base, *_ = uri.rsplit("/", 2)
    info = job["pipelineSpec"]["pipelineInfo"]
    pipeline_name = info["name"]
    return {name: neutral(node, module_base, pipeline_name) for name, node in by_name.items()}


def neutral(node, root, pipeline_name):
    """As text, with root, image, names, Beam's arguments and the ExampleGen's name taken out."""
    executor = copy.deepcopy(node.executor)
    if container := executor.get("container"):
        del container["image"]
        container["args"] = [argument for argument in node.arguments if is_tfxs(argument)]
    text = json.dumps([node.task, node.component, executor], sort_keys=True)
    text = text.replace(root, "ROOT")
    text = with_one_example_gen(text)
    _, _, model_name = pipeline_name.rpartition("-")
    for name in (pipeline_name, model_name):
        text = text.replace(f'"{name}"', '"NAME"').replace(f'\\"{name}\\"', '\\"NAME\\"')
    return text


def is_tfxs(argument):
    """Whether an argument of a container is TFX's, and not Beam's."""
    return not argument.startswith("--") or "json" in argument or "class" in argument


@pytest.mark.parametrize(
    ("stage", "own"), [("dev", set()), ("staging", {"Trainer"}), ("prod", {"Trainer"})]
)
def test_a_stages_job_differs_from_the_local_twin_only_where_it_must(compiled, stage, own):
    local_job = compiled("local")
    stage_job = compiled(stage, *IMAGES)

    local = neutral_nodes(local_job)
    cloud = neutral_nodes(stage_job)

    differing = {name for name, text in local.items() if cloud.get(name) != text}
    assert set(local) == set(cloud)
    assert differing == DIFFERING | own


SUBNETWORK = (
    "https://www.googleapis.com/compute/v1/"
    "projects/mill-staging/regions/us-central1/subnetworks/staging-dataflow"
)


def test_a_stage_reads_bigquery_and_uses_dataflow_and_vertex_training_where_settings_say_so(
    stage_nodes,
):
    dev = stage_nodes("dev")
    staging = stage_nodes("staging")

    query = staging["ExampleGen"].parameter("input_config")
    trainer = staging["Trainer"]
    assert "rides.rides" in query
    assert staging["ExampleGen"].parameter("required") == '["tips"]'
    assert ">= @begin" not in query
    assert "--runner=DataflowRunner" in staging["Transform"].arguments
    assert "--no_use_public_ips" in staging["Transform"].arguments
    assert f"--subnetwork={SUBNETWORK}" in staging["Transform"].arguments
    assert "--no_use_public_ips" not in dev["Transform"].arguments
    assert "--runner=DirectRunner" in dev["Transform"].arguments
    assert "pipeline.components.vertex_trainer.Executor" in trainer.arguments
    assert "n1-standard-4" in trainer.parameter("custom_config")
    assert "pipeline.components.trainer.Executor" in dev["Trainer"].arguments


@pytest.mark.parametrize(
    ("stage", "beam_image"), [("dev", IMAGE), ("staging", WORKER_IMAGE), ("prod", WORKER_IMAGE)]
)
def test_every_container_runs_our_entrypoint_by_digest_and_dataflow_the_worker_s_image(
    stage_nodes, stage, beam_image
):
    by_name = stage_nodes(stage)

    containers = [node.container for node in by_name.values() if node.container]
    assert len(containers) == 10
    for container in containers:
        assert container["image"] == IMAGE
        assert container["command"] == ["python", "-m", "pipeline.job.entrypoint"]
        assert f"--sdk_container_image={beam_image}" in container["args"]


def test_a_stage_on_dataflow_needs_the_worker_s_image(cli, tmp_path):
    without_worker = IMAGES[:4]

    result = cli("compile", "cab", "--env", "staging", "--output", tmp_path, *without_worker)

    assert result.code == 2
    assert "--worker-image is None, allowed for staging is an image by digest" in result.sentence


def test_modules_are_given_by_the_hash_of_their_content(stage_nodes):
    folder = ModelFolder.load("cab")
    sha256 = folder.sha256("preprocessing.py")

    transform = stage_nodes("prod")["Transform"]

    uri = transform.parameter("module_file")
    modules = "gs://mill-prod-prod-artifacts/modules"
    assert uri == f"{modules}/cab/{sha256}/preprocessing.py"


def test_transform_waits_for_the_validator(stage_nodes):
    transform = stage_nodes("dev")["Transform"]

    assert "ExampleValidator" in transform.task["dependentTasks"]


@pytest.mark.parametrize("model", ["cab", "ferry"])
def test_each_model_asks_for_its_own_last_blessed_one(stage_nodes, model):
    by_name = stage_nodes("dev", model=model)

    resolver = by_name["LastBlessed-model-blessing-resolver"].executor["resolver"]
    queries = resolver["outputArtifactQueries"]
    query = queries["model_blessing"]["filter"]
    pipeline_name = by_name["Evaluator"].parameter("pipeline")
    assert pipeline_name == f"dev-{model}"
    assert query.endswith(
        f'metadata.blessed.number_value=1 AND metadata.pipeline.string_value="dev-{model}"'
    )


def test_the_schema_is_2_1_with_its_root_in_the_stages_bucket(compiled):
    job = compiled("dev", *IMAGES)

    spec = job["pipelineSpec"]
    runtime = job["runtimeConfig"]
    assert spec["schemaVersion"] == "2.1.0"
    assert runtime["gcsOutputDirectory"] == "gs://mill-dev-dev-artifacts/pipelines/dev-cab"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--env", "test", *IMAGES], "--env is 'test', allowed are local, dev, staging, prod"),
        (["--env", "local", *IMAGES], f"--image is '{IMAGE}', allowed with --env local is none"),
        (
            ["--env", "local", "--worker-image", WORKER_IMAGE],
            f"--worker-image is '{WORKER_IMAGE}', allowed with --env local is none",
        ),
        (["--env", "dev"], "--image is None"),
        (
            ["--env", "dev", "--image", "pipeline:latest"],
            "--image is 'pipeline:latest', allowed for dev is an image by digest",
        ),
        (
            ["--env", "dev", "--image", IMAGE, "--serving-image", "serving:1"],
            "--serving-image is 'serving:1', allowed for dev is an image by digest",
        ),
        (["--env", "dev", *IMAGES, "--end", "tomorrow"], "--end is 'tomorrow'"),
    ],
)
def test_a_wrong_argument_is_one_sentence_and_nothing_is_written(cli, tmp_path, arguments, says):
    output = tmp_path / "out"

    result = cli("compile", "cab", "--output", output, *arguments)

    assert result.code == 2
    assert says in result.sentence
    assert not output.exists()


def test_without_a_name_every_model_is_compiled(cli, tmp_path):
    result = cli("compile", "--env", "dev", *IMAGES, "--output", tmp_path, "--json")

    files = parsed(result)
    names = [Path(file).name for file in files]
    assert names == ["dev-cab.json", "dev-ferry.json"]
