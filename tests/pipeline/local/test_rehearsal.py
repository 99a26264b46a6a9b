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
    return place, place / "local-cab.json", rehearse_file(place / "local-cab.json")


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

    assert result["blessed"]
    assert Path(result["published"]).parent == place / "runs/rehearsal/cab/published"
    assert (Path(result["published"]) / "saved_model.pb").exists()


def test_no_container_packs_the_source_of_tfx_for_beam(rehearsed):
    place, _, _ = rehearsed

    logs = {
        file.parent.name: file.read_text()
        for file in place.glob("runs/rehearsal/cab/rehearsals/*/*/log.txt")
    }
    assert len(logs) == 9 and all("Starting executor" in log for log in logs.values())
    assert not [node for node, log in logs.items() if "infer TFX Python dependency" in log]


def test_no_container_tries_a_runner_that_is_downloaded(rehearsed):
    place, _, _ = rehearsed

    logs = place.glob("runs/rehearsal/cab/rehearsals/*/*/log.txt")
    assert [str(log) for log in logs if "PrismRunner" in log.read_text()] == []


def test_the_resolvers_find_the_newest_blessed_model_of_this_pipeline(rehearsed):
    place, spec, _ = rehearsed
    rehearsal = Rehearsal(json.loads(spec.read_text()), place / "runs/rehearsal/cab")
    queries = {
        k: v["resolver"]["outputArtifactQueries"]
        for k, v in rehearsal.executors.items()
        if "resolver" in v
    }

    blessing = rehearsal.store.query(
        queries["LastBlessed-model-blessing-resolver_executor"]["model_blessing"]["filter"], {}
    )
    model = rehearsal.store.query(
        queries["LastBlessed-model-resolver_executor"]["model"]["filter"], {"input": blessing}
    )
    foreign = rehearsal.store.query(
        'schema_title="tfx.ModelBlessing" AND state=LIVE AND '
        'metadata.pipeline.string_value="ferry"',
        {},
    )

    assert blessing[0]["metadata"]["pipeline"] == "cab"
    assert "/Trainer/model" in model[0]["uri"]
    assert foreign == []


def test_after_an_edit_to_the_model_the_steps_before_it_are_taken_from_the_cache(rehearsed):
    place = rehearsed[0]
    with (place / "cab/model.py").open("a") as module:
        module.write("\n# edited\n")

    second_run = states(compiled(place))

    assert {node for node, state in second_run.items() if state == "finished"} == {
        *TRAINED_ANEW,
        *UNCACHED,
    }
    assert {
        state for node, state in second_run.items() if node not in {*TRAINED_ANEW, *UNCACHED}
    } == {"cached"}


def test_a_step_that_vertex_is_told_not_to_cache_runs_again(rehearsed):
    job = json.loads(rehearsed[1].read_text())
    job["pipelineSpec"]["root"]["dag"]["tasks"]["ImportSchemaGen"]["cachingOptions"] = {}

    assert "ImportSchemaGen" in {node for node, state in states(job).items() if state == "finished"}


def test_other_code_than_what_compiled_a_spec_is_refused(rehearsed, tmp_path):
    _, spec, _ = rehearsed
    (tmp_path / "local.json").write_text(
        re.sub(r"this-machine@sha256:\w+", "this-machine@sha256:" + 64 * "0", spec.read_text())
    )

    with pytest.raises(
        ConfigurationError,
        match=(
            r"local.json: it was compiled by other code than what would run it here; compile "
            r"it again"
        ),
    ):
        rehearse_file(tmp_path / "local.json")


def test_a_step_whose_files_were_removed_runs_again(rehearsed):
    job = json.loads(rehearsed[1].read_text())
    for folder in root(job).glob("rehearsals/*/ImportSchemaGen"):
        shutil.rmtree(folder)

    assert states(job)["ImportSchemaGen"] == "finished"


def test_a_rehearsal_of_a_model_that_another_process_rehearses_is_refused(rehearsed):
    with (root(json.loads(rehearsed[1].read_text())) / ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)

        with pytest.raises(RunError, match="is running this model; wait for it, or end it"):
            rehearse_file(rehearsed[1])


def test_an_edit_to_the_code_is_another_image_and_what_an_editor_keeps_is_none(tmp_path):
    checkout = Checkout(tmp_path)
    first_image = image_of(checkout.place)

    checkout.append("models/cab/model.py", "# edited")
    (tmp_path / "pipeline/.dag.py.swp").write_bytes(b"\0")
    (tmp_path / "pipeline/job/dag.py~").write_text("an older one")
    (tmp_path / "pipeline/.#dag.py").symlink_to("nowhere")
    with_no_other_code = image_of(checkout.place)
    checkout.append("pipeline/reports/report.html.jinja", "edited")

    assert first_image == with_no_other_code != image_of(checkout.place)


def image_of(place):
    program = [
        sys.executable,
        "-c",
        "from pipeline.local import code_digest; print(code_digest.reference())",
    ]
    return subprocess.run(
        program,
        cwd=place,
        env=os.environ | {"PYTHONPATH": str(place)},
        stdout=subprocess.PIPE,
        check=True,
    ).stdout


def root(job):
    return Path(job["runtimeConfig"]["gcsOutputDirectory"])


def states(job):
    """How each step of the job's next rehearsal ends, in the place of the rehearsal before."""
    state_by_node = {}
    Rehearsal(job, root(job)).run(state_by_node.__setitem__)
    return state_by_node


def test_a_failing_node_is_named_with_its_last_words(rehearsed, tmp_path):
    _, spec, _ = rehearsed
    job = json.loads(spec.read_text())
    job["runtimeConfig"]["gcsOutputDirectory"] = str(tmp_path)
    job["pipelineSpec"]["root"]["dag"]["tasks"]["CsvExampleGen"]["inputs"]["parameters"]["path"][
        "runtimeValue"
    ]["constant"] = "/no/rows.csv"
    (tmp_path / "local.json").write_text(json.dumps(job))

    with pytest.raises(
        RunError, match=r"CsvExampleGen failed: .*/no/rows.csv: there is no such file"
    ):
        rehearse_file(tmp_path / "local.json")


def test_a_cloud_spec_is_refused(cli, tmp_path):
    [file] = parsed(cli("compile", "cab", "--env", "dev", *IMAGES, "--output", tmp_path, "--json"))

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
