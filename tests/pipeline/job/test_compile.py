"""Compiled jobs: Vertex gets the job of the rehearsal.

Only ExampleGen, Trainer, Pusher, Beam's arguments, paths and image differ.
"""

import json
import re
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.pipeline.conftest import IMAGE, IMAGES, parsed

OTHER = {"ExampleGen", "Trainer", "Pusher"}


@pytest.fixture
def compiled(cli, tmp_path):
    def call(env, *more, model="cab"):
        runs = tmp_path / "runs"
        options = ("--env", env, "--output", tmp_path, "--runs", runs, "--json")
        result = cli("compile", model, *options, *more)
        assert result.code == 0, result.err
        [file] = parsed(result)
        text = Path(file).read_text()
        return json.loads(text)

    return call


class Node(NamedTuple):
    task: dict
    component: dict
    executor: dict

    def constant(self, name):
        """The value of a parameter that is known before the job runs."""
        parameters = self.task["inputs"]["parameters"]
        value = parameters[name]["runtimeValue"]
        return value["constant"]

    @property
    def arguments(self):
        container = self.executor["container"]
        return container["args"]


def nodes(job):
    """Each node by its name, under which both ExampleGens are the same."""
    spec = job["pipelineSpec"]
    executors = spec["deploymentSpec"]["executors"]
    by_name = {}
    tasks = spec["root"]["dag"]["tasks"]
    for task_name, task in tasks.items():
        component_name = task["componentRef"]["name"]
        component = spec["components"][component_name]
        label = component["executorLabel"]
        executor = executors[label]
        name = with_one_example_gen(task_name)
        by_name[name] = Node(task, component, executor)
    return by_name


def with_one_example_gen(text):
    return re.sub("(BigQuery|Csv)ExampleGen", "ExampleGen", text)


def neutral_nodes(job, name):
    """Each node as text, without the parts that may differ."""
    root = module_base(job)
    job_nodes = nodes(job)
    return {node_name: neutral(node, root, name) for node_name, node in job_nodes.items()}


def neutral(node, root, name):
    """As text, with root, image, name, Beam's arguments and the ExampleGen's name taken out."""
    value = json.loads(json.dumps(node))
    _, _, executor = value
    container = executor.get("container", {})
    container.pop("image", None)
    arguments = container.get("args", [])
    container["args"] = [argument for argument in arguments if not is_beams(argument)]
    text = json.dumps(value, sort_keys=True)
    text = text.replace(root, "ROOT")
    text = with_one_example_gen(text)
    text = text.replace(f'"{name}"', '"NAME"')
    return text.replace(f'\\"{name}\\"', '\\"NAME\\"')


def is_beams(argument):
    is_tfxs = "json" in argument or "class" in argument
    return argument.startswith("--") and not is_tfxs


def module_base(job):
    importer = nodes(job)["ImportSchemaGen"]
    uri = importer.constant("schema_file")
    base, _, _ = uri.rsplit("/", 2)
    return base


@pytest.mark.parametrize("stage", ["dev", "staging", "prod"])
def test_a_stages_job_differs_from_the_local_twin_only_where_it_must(compiled, stage):
    local = compiled("local")
    cloud = compiled(stage, *IMAGES)

    cloud_name = cloud["pipelineSpec"]["pipelineInfo"]["name"]
    local_nodes = neutral_nodes(local, "cab")
    cloud_nodes = neutral_nodes(cloud, cloud_name)
    differing_names = {name for name in local_nodes if local_nodes[name] != cloud_nodes[name]}
    assert set(local_nodes) == set(cloud_nodes)
    assert differing_names == OTHER


def test_a_stage_reads_bigquery_and_uses_dataflow_and_vertex_training_where_settings_say_so(
    compiled,
):
    dev = nodes(compiled("dev", *IMAGES))
    staging = nodes(compiled("staging", *IMAGES))

    query = staging["ExampleGen"].constant("input_config")
    dev_trainer = dev["Trainer"]
    staging_trainer = staging["Trainer"]
    training = staging_trainer.constant("custom_config")
    assert "rides.rides" in query
    assert "`tips` IS NOT NULL" in query
    assert "@begin" not in query
    assert "--runner=DataflowRunner" in staging["Transform"].arguments
    assert "--runner=DirectRunner" in dev["Transform"].arguments
    assert "pipeline.components.vertex_trainer.Executor" in staging_trainer.arguments
    assert "pipeline.components.trainer.Executor" in dev_trainer.arguments
    assert "n1-standard-4" in training


@pytest.mark.parametrize("stage", ["dev", "staging", "prod"])
def test_every_container_runs_our_entrypoint_in_the_image_by_digest_which_serves_beam_too(
    compiled, stage
):
    job = compiled(stage, *IMAGES)

    job_nodes = nodes(job)
    executors = [node.executor for node in job_nodes.values()]
    containers = [executor["container"] for executor in executors if "container" in executor]
    images = [container["image"] for container in containers]
    commands = [container["command"] for container in containers]
    assert images == [IMAGE] * 9
    assert commands == [["python", "-m", "pipeline.job.entrypoint"]] * 9
    for container in containers:
        assert f"--sdk_container_image={IMAGE}" in container["args"]


def test_modules_are_given_by_the_hash_of_their_content(compiled):
    from pipeline.model.folder import ModelFolder

    job = compiled("prod", *IMAGES)
    folder = ModelFolder.load("cab")

    transform = nodes(job)["Transform"]
    uri = transform.constant("module_file")
    sha256 = folder.sha256("preprocessing.py")
    assert uri == f"gs://mill-prod-prod-artifacts/modules/cab/{sha256}/preprocessing.py"


def test_transform_waits_for_the_validator(compiled):
    job = compiled("dev", *IMAGES)

    transform = nodes(job)["Transform"]
    assert "ExampleValidator" in transform.task["dependentTasks"]


def test_each_model_asks_for_its_own_last_blessed_one(compiled):
    jobs = {model: compiled("dev", *IMAGES, model=model) for model in ("cab", "ferry")}

    for model, job in jobs.items():
        job_nodes = nodes(job)
        evaluator = job_nodes["Evaluator"]
        pipeline = evaluator.constant("pipeline")
        resolver = job_nodes["LastBlessed-model-blessing-resolver"].executor["resolver"]
        query = resolver["outputArtifactQueries"]["model_blessing"]
        assert pipeline == f"dev-{model}"
        assert query["filter"].endswith(
            f'metadata.blessed.number_value=1 AND metadata.pipeline.string_value="dev-{model}"'
        )


def test_the_schema_is_2_1_with_its_root_in_the_stages_bucket(compiled):
    job = compiled("dev", *IMAGES)

    spec = job["pipelineSpec"]
    configuration = job["runtimeConfig"]
    assert spec["schemaVersion"] == "2.1.0"
    assert configuration["gcsOutputDirectory"] == "gs://mill-dev-dev-artifacts/pipelines/dev-cab"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--env", "test", *IMAGES], "--env is 'test', allowed are local, dev, staging, prod"),
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

    names = [Path(file).name for file in parsed(result)]
    assert names == ["dev-cab.json", "dev-ferry.json"]
