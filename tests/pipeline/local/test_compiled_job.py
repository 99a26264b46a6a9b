"""A damaged compiled job is one sentence that names what is wrong, before its first node."""

import copy
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.local import job_form


def task(component, **inputs):
    return {"componentRef": {"name": component}, "inputs": inputs}


def component(executor, *outputs):
    artifact = {"artifactType": {"instanceSchema": "title: tfx.Model"}}
    definitions = {"artifacts": dict.fromkeys(outputs, artifact)}
    return {"executorLabel": executor, "outputDefinitions": definitions}


ORIGIN = {"taskOutputArtifact": {"producerTask": "Importer", "outputArtifactKey": "model"}}
CONTAINER = {"image": "an-image", "command": ["python"], "args": ["--all"]}
FILTER = 'schema_title="tfx.Model" AND state=LIVE AND metadata.blessed.number_value=1'
JOB = {
    "runtimeConfig": {"gcsOutputDirectory": "/store"},
    "pipelineSpec": {
        "schemaVersion": "2.1.0",
        "root": {
            "dag": {
                "tasks": {
                    "Importer": task("importer"),
                    "Resolver": task("resolver"),
                    "Evaluator": task("judge", artifacts={"model": ORIGIN}),
                    "ServingCheck": task(
                        "judge", parameters={"rows": {"runtimeValue": {"constant": 5}}}
                    ),
                    "Pusher": task("pusher") | {"dependentTasks": ["Evaluator"]},
                }
            }
        },
        "components": {
            "importer": component("import", "model"),
            "resolver": component("resolve", "model"),
            "judge": component("run", "blessing"),
            "pusher": component("run", "pushed_model"),
        },
        "deploymentSpec": {
            "executors": {
                "import": {"importer": {"artifactUri": {"constant": "/best.json"}}},
                "resolve": {"resolver": {"outputArtifactQueries": {"model": {"filter": FILTER}}}},
                "run": {"container": CONTAINER},
            }
        },
    },
}
TASKS, EXECUTORS = "pipelineSpec.root.dag.tasks", "pipelineSpec.deploymentSpec.executors"


def changed(path, value=None):
    """The job with another value at the path of keys, or without it."""
    job = copy.deepcopy(JOB)
    *folders, key = path.split(".")
    place = job
    for folder in folders:
        place = place[folder]
    if value is None:
        del place[key]
    else:
        place[key] = value
    return job


def test_a_whole_job_has_no_problem():
    assert job_form.problem(JOB) is None


@pytest.mark.parametrize(
    "path",
    [
        "runtimeConfig.gcsOutputDirectory",
        "pipelineSpec.schemaVersion",
        TASKS,
        "pipelineSpec.components",
        EXECUTORS,
        f"{TASKS}.Pusher.componentRef.name",
        f"{TASKS}.Evaluator.inputs.artifacts.model.taskOutputArtifact.producerTask",
        f"{TASKS}.ServingCheck.inputs.parameters.rows.runtimeValue.constant",
        "pipelineSpec.components.judge.executorLabel",
        "pipelineSpec.components.judge.outputDefinitions.artifacts.blessing.artifactType",
        f"{EXECUTORS}.run.container.args",
        f"{EXECUTORS}.import.importer.artifactUri.constant",
        f"{EXECUTORS}.resolve.resolver.outputArtifactQueries.model.filter",
    ],
)
def test_a_missing_key_is_named(path):
    assert job_form.problem(changed(path)) == f"{path}: field required"


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        (TASKS, [], f"{TASKS}: input should be a valid dictionary"),
        (f"{EXECUTORS}.run", {}, "allowed is one of container, importer and resolver"),
        (f"{TASKS}.Pusher.dependentTasks", ["No"], "waits for No, which is no task"),
        (f"{TASKS}.Importer.dependentTasks", ["Pusher"], "its tasks wait for each other: "),
        (f"{TASKS}.Pusher.componentRef.name", "no", "is of no, which is no component"),
        ("pipelineSpec.components.pusher.executorLabel", "no", "has the executor no, which is"),
        ("pipelineSpec.components.importer.outputDefinitions", {}, "allowed is one output"),
        (f"{TASKS}.Evaluator", None, "the task Pusher waits for Evaluator"),
        (f"{TASKS}.Pusher", None, "there is no pushed_model of a task Pusher"),
        (
            f"{EXECUTORS}.resolve.resolver.outputArtifactQueries.model.filter",
            "state",
            "filter: string should match pattern",
        ),
    ],
)
def test_what_does_not_fit_together_is_named(path, value, sentence):
    assert sentence in job_form.problem(changed(path, value))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(st.sampled_from(["runtimeConfig", "pipelineSpec", TASKS, EXECUTORS]), JSON)
def test_any_other_json_is_a_sentence(path, value):
    problem = job_form.problem(changed(path, [value]))

    assert problem.startswith(f"{path}: ")


@pytest.mark.parametrize("text", ["[" * 100_000, "[]", '{"pipelineSpec": 1}', "\ufeff{}"])
def test_the_verb_refuses_what_is_no_job(cli, tmp_path, text):
    file = tmp_path / "spec.json"
    file.write_text(text)

    result = cli("rehearse", file)

    assert result.code == 2
    assert "spec.json: not a compiled pipeline job" in result.sentence


def test_the_verb_names_the_key_of_a_damaged_job(cli, tmp_path):
    path = f"{TASKS}.Pusher.componentRef"
    file = tmp_path / "spec.json"
    file.write_text(json.dumps(changed(path)))

    result = cli("rehearse", file)

    assert result.code == 2
    assert f"not a compiled pipeline job ({path}: field required)" in result.sentence
