"""The rehearsal runs a local spec through the containers' entrypoint.

It asks its store as Vertex's resolvers ask theirs.
"""

import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.errors import ConfigurationError, RunError
from pipeline.local.rehearsal import Rehearsal, rehearse_file
from tests.pipeline.checkout import TRAINED_ANEW, Checkout
from tests.pipeline.conftest import IMAGES, copy_small, parsed

UNCACHED = {
    "Hyperparameters",
    "LastBlessed-model-blessing-resolver",
    "LastBlessed-model-resolver",
}  # no container's


@pytest.fixture(scope="module")
def rehearsed(tmp_path_factory):
    """A small model's local spec, rehearsed."""
    place = tmp_path_factory.mktemp("rehearsed")
    copy_small("cab", place)
    compiled(place)
    spec = place / "local-cab.json"
    return place, spec, rehearse_file(spec)


@pytest.fixture
def spec(rehearsed):
    _, file, _ = rehearsed
    return file


@pytest.fixture
def job(spec):
    """The job of the spec, for a test to change."""
    text = spec.read_text()
    return json.loads(text)


def compiled(place):
    """The local job of that place's model."""
    from pipeline.cli.compile import compile_models

    arguments = {
        "environment": "local",
        "image": None,
        "serving_image": None,
        "end": "",
        "runs": place / "runs",
        "output": place,
    }
    [spec] = compile_models([str(place / "cab")], **arguments)
    return json.loads(spec.read_text())


def test_a_local_spec_is_rehearsed_to_a_blessed_and_published_model(rehearsed):
    place, _, result = rehearsed

    version = Path(result["published"])
    graph = version / "saved_model.pb"
    assert result["blessed"]
    assert version.parent == place / "runs/rehearsal/cab/published"
    assert graph.exists()


def logs_of_containers(place):
    """The text of each log, by its node."""
    files = place.glob("runs/rehearsal/cab/rehearsals/*/*/log.txt")
    return {file.parent.name: file.read_text() for file in files}


def test_no_container_packs_the_source_of_tfx_for_beam(rehearsed):
    place, _, _ = rehearsed

    logs = logs_of_containers(place)

    executors = [node for node, log in logs.items() if "Starting executor" in log]
    packers = [node for node, log in logs.items() if "infer TFX Python dependency" in log]
    assert len(logs) == 9
    assert len(executors) == 9
    assert packers == []


def test_no_container_tries_a_runner_that_is_downloaded(rehearsed):
    place, _, _ = rehearsed

    files = place.glob("runs/rehearsal/cab/rehearsals/*/*/log.txt")
    logs_with_prism = [str(file) for file in files if "PrismRunner" in file.read_text()]

    assert logs_with_prism == []


def test_the_resolvers_find_the_newest_blessed_model_of_this_pipeline(rehearsed, job):
    place, _, _ = rehearsed
    rehearsal = Rehearsal(job, place / "runs/rehearsal/cab")
    blessing_filter = filter_of(rehearsal, "LastBlessed-model-blessing-resolver", "model_blessing")
    model_filter = filter_of(rehearsal, "LastBlessed-model-resolver", "model")
    foreign_filter = (
        'schema_title="tfx.ModelBlessing" AND state=LIVE AND metadata.pipeline.string_value="ferry"'
    )

    [blessing] = rehearsal.store.query(blessing_filter, {})
    [model] = rehearsal.store.query(model_filter, {"input": [blessing]})
    foreign_blessings = rehearsal.store.query(foreign_filter, {})

    assert blessing["metadata"]["pipeline"] == "cab"
    assert "/Trainer/model" in model["uri"]
    assert foreign_blessings == []


def filter_of(rehearsal, node, key):
    """The filter by which a resolver finds its output `key`."""
    executor = rehearsal.executors[f"{node}_executor"]
    queries = executor["resolver"]["outputArtifactQueries"]
    return queries[key]["filter"]


def test_after_an_edit_to_the_model_the_steps_before_it_are_taken_from_the_cache(rehearsed):
    place, _, _ = rehearsed
    with (place / "cab/model.py").open("a") as module:
        module.write("\n# edited\n")

    second_run = states(compiled(place))

    finished_nodes = {node for node, state in second_run.items() if state == "finished"}
    other_nodes = second_run.keys() - finished_nodes
    other_states = {second_run[node] for node in other_nodes}
    assert finished_nodes == {*TRAINED_ANEW, *UNCACHED}
    assert other_states == {"cached"}


def test_a_step_that_vertex_is_told_not_to_cache_runs_again(job):
    task = tasks(job)["ImportSchemaGen"]
    task["cachingOptions"] = {}

    state_by_node = states(job)

    assert state_by_node["ImportSchemaGen"] == "finished"


def test_other_code_than_what_compiled_a_spec_is_refused(spec, tmp_path):
    image = "this-machine@sha256:" + 64 * "0"
    text = re.sub(r"this-machine@sha256:\w+", image, spec.read_text())
    file = tmp_path / "local.json"
    file.write_text(text)
    sentence = (
        r"local.json: it was compiled by other code than what would run it here; compile it again"
    )

    with pytest.raises(ConfigurationError, match=sentence):
        rehearse_file(file)


def test_a_step_whose_files_were_removed_runs_again(job):
    for folder in root(job).glob("rehearsals/*/ImportSchemaGen"):
        shutil.rmtree(folder)

    state_by_node = states(job)

    assert state_by_node["ImportSchemaGen"] == "finished"


def test_a_rehearsal_of_a_model_that_another_process_rehearses_is_refused(spec, job):
    with (root(job) / ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)

        with pytest.raises(RunError, match="is running this model; wait for it, or end it"):
            rehearse_file(spec)


def test_an_edit_to_the_code_is_another_image_and_what_an_editor_keeps_is_none(tmp_path):
    checkout = Checkout(tmp_path)
    first_image = image_of(checkout.place)

    checkout.append("models/cab/model.py", "# edited")
    (tmp_path / "pipeline/.dag.py.swp").write_bytes(b"\0")
    (tmp_path / "pipeline/job/dag.py~").write_text("an older one")
    (tmp_path / "pipeline/.#dag.py").symlink_to("nowhere")
    with_no_other_code = image_of(checkout.place)
    checkout.append("pipeline/reports/report.html.jinja", "edited")
    with_other_code = image_of(checkout.place)

    assert with_no_other_code == first_image
    assert with_other_code != first_image


def image_of(place):
    program = "from pipeline.local import code_digest; print(code_digest.reference())"
    environment = os.environ | {"PYTHONPATH": str(place)}
    process = subprocess.run(
        [sys.executable, "-c", program],
        cwd=place,
        env=environment,
        stdout=subprocess.PIPE,
        check=True,
    )
    return process.stdout


def root(job):
    return Path(job["runtimeConfig"]["gcsOutputDirectory"])


def tasks(job):
    dag = job["pipelineSpec"]["root"]["dag"]
    return dag["tasks"]


def states(job):
    """How each step of the job's next rehearsal ends, in the place of the rehearsal before."""
    state_by_node = {}
    Rehearsal(job, root(job)).run(state_by_node.__setitem__)
    return state_by_node


def test_a_failing_node_is_named_with_its_last_words(job, tmp_path):
    job["runtimeConfig"]["gcsOutputDirectory"] = str(tmp_path)
    inputs = tasks(job)["CsvExampleGen"]["inputs"]
    path = inputs["parameters"]["path"]
    path["runtimeValue"]["constant"] = "/no/rows.csv"
    file = tmp_path / "local.json"
    file.write_text(json.dumps(job))
    sentence = r"CsvExampleGen failed: .*/no/rows.csv: there is no such file"

    with pytest.raises(RunError, match=sentence):
        rehearse_file(file)


def test_a_cloud_spec_is_refused(cli, tmp_path):
    compilation = cli("compile", "cab", "--env", "dev", *IMAGES, "--output", tmp_path, "--json")
    [file] = parsed(compilation)

    result = cli("rehearse", file)

    assert result.code == 2
    assert "only a spec of `compile --env local` can be rehearsed" in result.sentence


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "there is no such file"),
        ("{", "not a compiled pipeline job"),
        ("{}", "not a compiled pipeline job"),
    ],
)
def test_what_is_no_spec_is_refused(cli, tmp_path, content, says):
    file = tmp_path / "spec.json"
    if content is not None:
        file.write_text(content)

    result = cli("rehearse", file)

    assert result.code == 2
    assert says in result.sentence
