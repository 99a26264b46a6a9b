"""Compiled jobs: Vertex gets the job of the rehearsal.

Only ExampleGen, Trainer, Pusher, Beam's arguments, paths and image differ.
"""

import json

import pytest

from tests.pipeline.conftest import IMAGE, IMAGES, parsed

OTHER = {"ExampleGen", "Trainer", "Pusher"}


@pytest.fixture
def compiled(cli, tmp_path):
    def call(env, *more, model="cab"):
        result = cli(
            "compile",
            model,
            "--env",
            env,
            "--output",
            tmp_path,
            "--runs",
            tmp_path / "runs",
            "--json",
            *more,
        )
        assert result.code == 0, result.err
        [file] = parsed(result)
        return json.loads(open(file).read())

    return call


def nodes(job):
    """Each node's task, component and executor, without the parts that may differ."""
    spec = job["pipelineSpec"]
    by_name = {}
    for name, task in spec["root"]["dag"]["tasks"].items():
        component = spec["components"][task["componentRef"]["name"]]
        executor = spec["deploymentSpec"]["executors"][component["executorLabel"]]
        by_name[
            name.replace("BigQueryExampleGen", "ExampleGen").replace("CsvExampleGen", "ExampleGen")
        ] = (task, component, executor)
    return by_name


def neutral(value, root, name):
    """As text, with root, image, name, Beam's arguments and the ExampleGen's name taken out."""
    value = json.loads(json.dumps(value))
    container = value[2].get("container", {})
    container.pop("image", None)
    container["args"] = [
        a
        for a in container.get("args", [])
        if not a.startswith("--") or "json" in a or "class" in a
    ]
    text = (
        json.dumps(value, sort_keys=True)
        .replace(root, "ROOT")
        .replace("BigQueryExampleGen", "ExampleGen")
        .replace("CsvExampleGen", "ExampleGen")
    )
    return text.replace(json.dumps(name), '"NAME"').replace(f'\\"{name}\\"', '\\"NAME\\"')


def module_base(job):
    uri = nodes(job)["ImportSchemaGen"][0]["inputs"]["parameters"]["schema_file"]["runtimeValue"][
        "constant"
    ]
    return uri.rsplit("/", 2)[0]


@pytest.mark.parametrize("stage", ["dev", "staging", "prod"])
def test_a_stages_job_differs_from_the_local_twin_only_where_it_must(compiled, stage):
    local, cloud = compiled("local"), compiled(stage, *IMAGES)

    local_nodes, cloud_nodes = nodes(local), nodes(cloud)
    cloud_name = cloud["pipelineSpec"]["pipelineInfo"]["name"]
    differing = {
        n
        for n in local_nodes
        if neutral(local_nodes[n], module_base(local), "cab")
        != neutral(cloud_nodes[n], module_base(cloud), cloud_name)
    }
    assert set(local_nodes) == set(cloud_nodes)
    assert differing == OTHER


def test_a_stage_reads_bigquery_and_uses_dataflow_and_vertex_training_where_settings_say_so(
    compiled,
):
    dev, staging = nodes(compiled("dev", *IMAGES)), nodes(compiled("staging", *IMAGES))

    query = staging["ExampleGen"][0]["inputs"]["parameters"]["input_config"]["runtimeValue"][
        "constant"
    ]
    assert "rides.rides" in query and "`tips` IS NOT NULL" in query and "@begin" not in query
    assert "--runner=DataflowRunner" in staging["Transform"][2]["container"]["args"]
    assert "--runner=DirectRunner" in dev["Transform"][2]["container"]["args"]
    assert (
        "pipeline.components.vertex_trainer.Executor" in staging["Trainer"][2]["container"]["args"]
    )
    assert "pipeline.components.trainer.Executor" in dev["Trainer"][2]["container"]["args"]
    assert (
        "n1-standard-4"
        in staging["Trainer"][0]["inputs"]["parameters"]["custom_config"]["runtimeValue"][
            "constant"
        ]
    )


@pytest.mark.parametrize("stage", ["dev", "staging", "prod"])
def test_every_container_runs_our_entrypoint_in_the_image_by_digest_which_serves_beam_too(
    compiled, stage
):
    executors = [
        executor["container"]
        for _, _, executor in nodes(compiled(stage, *IMAGES)).values()
        if "container" in executor
    ]

    assert len(executors) == 9 and {e["image"] for e in executors} == {IMAGE}
    assert {tuple(e["command"]) for e in executors} == {("python", "-m", "pipeline.job.entrypoint")}
    assert all(f"--sdk_container_image={IMAGE}" in e["args"] for e in executors)


def test_modules_are_given_by_the_hash_of_their_content(compiled):
    from pipeline.model.folder import ModelFolder

    job = compiled("prod", *IMAGES)
    folder = ModelFolder.load("cab")

    uri = nodes(job)["Transform"][0]["inputs"]["parameters"]["module_file"]["runtimeValue"][
        "constant"
    ]
    assert uri == (
        f"gs://mill-prod-prod-artifacts/modules/cab/{folder.sha256('preprocessing.py')}/"
        "preprocessing.py"
    )


def test_transform_waits_for_the_validator(compiled):
    assert "ExampleValidator" in nodes(compiled("dev", *IMAGES))["Transform"][0]["dependentTasks"]


def test_each_model_asks_for_its_own_last_blessed_one(compiled):
    jobs = {model: compiled("dev", *IMAGES, model=model) for model in ("cab", "ferry")}

    for model, job in jobs.items():
        resolver = nodes(job)["LastBlessed-model-blessing-resolver"][2]["resolver"][
            "outputArtifactQueries"
        ]["model_blessing"]["filter"]
        evaluator = nodes(job)["Evaluator"][0]["inputs"]["parameters"]["pipeline"]["runtimeValue"][
            "constant"
        ]
        assert evaluator == f"dev-{model}"
        assert resolver.endswith(
            f'metadata.blessed.number_value=1 AND metadata.pipeline.string_value="dev-{model}"'
        )


def test_the_schema_is_2_1_with_its_root_in_the_stages_bucket(compiled):
    job = compiled("dev", *IMAGES)

    assert job["pipelineSpec"]["schemaVersion"] == "2.1.0"
    assert (
        job["runtimeConfig"]["gcsOutputDirectory"]
        == "gs://mill-dev-dev-artifacts/pipelines/dev-cab"
    )


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
    result = cli("compile", "cab", "--output", tmp_path / "out", *arguments)

    assert result.code == 2
    assert says in result.sentence
    assert not (tmp_path / "out").exists()


def test_without_a_name_every_model_is_compiled(cli, tmp_path):
    files = parsed(cli("compile", "--env", "dev", *IMAGES, "--output", tmp_path, "--json"))

    assert [f.rsplit("/")[-1] for f in files] == ["dev-cab.json", "dev-ferry.json"]
