"""The rehearsal runs a local spec through the containers' entrypoint.

It asks its store as Vertex's resolvers ask theirs.
"""

import fcntl
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.errors import ConfigurationError, RunError
from pipeline.local.rehearsal import Rehearsal, rehearse_file
from tests.pipeline.checkout import TRAINED_ANEW, Checkout
from tests.pipeline.conftest import (
    IMAGES,
    NULL_WITHOUT_A_FARE,
    SCORE,
    compiled,
    edit,
    parsed,
)

UNCACHED = {
    "Hyperparameters",
    "LastBlessed-model-blessing-resolver",
    "LastBlessed-model-resolver",
}  # no container's
RERUN = TRAINED_ANEW | UNCACHED


def test_a_local_spec_is_rehearsed_to_a_blessed_and_published_model(rehearsed):
    version = Path(rehearsed.result["published"])

    assert rehearsed.result["blessed"]
    assert version.parent == rehearsed.root / "published"
    assert (version / "saved_model.pb").exists()


def test_a_rehearsed_model_carries_the_window_of_its_rows(rehearsed):
    version = Path(rehearsed.result["published"])
    text = (version / "assets.extra/window.json").read_text()

    window = json.loads(text)
    assert window["last"] == "2014-05-29T07:45:00Z"
    assert window["rows_without_time"] == 0


def test_no_container_packs_the_source_of_tfx_for_beam(rehearsed):
    assert len(rehearsed.logs) == 10
    assert len(rehearsed.logs_with("Starting executor")) == 10
    assert rehearsed.logs_with("infer TFX Python dependency") == []


def test_no_container_tries_a_runner_that_is_downloaded(rehearsed):
    assert rehearsed.logs_with("PrismRunner") == []


def test_the_resolvers_find_the_newest_blessed_model_of_this_pipeline(rehearsed):
    blessing, model = last_blessed(rehearsed)
    foreign_filter = (
        'schema_title="tfx.ModelBlessing" AND state=LIVE AND metadata.pipeline.string_value="ferry"'
    )
    foreign_blessings = Rehearsal(rehearsed.job, rehearsed.root).store.query(foreign_filter, {})

    assert blessing["metadata"]["pipeline"] == "cab"
    assert "/Trainer/model" in model["uri"]
    assert foreign_blessings == []


def last_blessed(rehearsed):
    """The blessing and the model found by the job's resolvers."""
    rehearsal = Rehearsal(rehearsed.job, rehearsed.root)
    blessing_filter = resolver_filter(rehearsal, "LastBlessed-model-blessing-resolver")
    model_filter = resolver_filter(rehearsal, "LastBlessed-model-resolver")
    [blessing] = rehearsal.store.query(blessing_filter, {})
    [model] = rehearsal.store.query(model_filter, {"input": [blessing]})
    return blessing, model


def resolver_filter(rehearsal, node):
    """The filter of a resolver's only query."""
    resolver = rehearsal.executors[f"{node}_executor"]["resolver"]
    [query] = resolver["outputArtifactQueries"].values()
    return query["filter"]


def test_after_an_edit_to_the_model_the_steps_before_it_are_taken_from_the_cache(rehearsed):
    with (rehearsed.place / "cab/model.py").open("a") as module:
        module.write("\n# edited\n")
    spec = compiled(rehearsed.place)
    job = json.loads(spec.read_text())

    state_by_node = states(job)

    finished = {node for node, state in state_by_node.items() if state == "finished"}
    other_states = {state for node, state in state_by_node.items() if node not in RERUN}
    assert finished == RERUN
    assert other_states == {"cached"}


def test_a_model_that_cannot_be_served_is_not_the_next_ones_bar(rehearsed):
    first_blessed = last_blessed(rehearsed)
    edit(rehearsed.place / "cab/model.py", SCORE, NULL_WITHOUT_A_FARE)

    result = rehearse_file(compiled(rehearsed.place))

    assert result == {"blessed": False, "published": None}
    assert last_blessed(rehearsed) == first_blessed


def test_a_step_that_vertex_is_told_not_to_cache_runs_again(rehearsed):
    job = rehearsed.job
    task(job, "ImportSchemaGen")["cachingOptions"] = {}

    state_by_node = states(job)

    assert state_by_node["ImportSchemaGen"] == "finished"


def test_other_code_than_what_compiled_a_spec_is_refused(rehearsed, tmp_path):
    text = rehearsed.spec.read_text()
    file = tmp_path / "local.json"
    digest = "0" * 64
    file.write_text(re.sub(r"this-machine@sha256:\w+", f"this-machine@sha256:{digest}", text))

    with pytest.raises(
        ConfigurationError,
        match=(
            r"local.json: it was compiled by other code than what would run it here; compile "
            r"it again"
        ),
    ):
        rehearse_file(file)


def test_a_step_whose_files_were_removed_runs_again(rehearsed):
    folders = list(rehearsed.root.glob("rehearsals/*/ImportSchemaGen"))
    for folder in folders:
        folder.rename(folder.with_suffix(".aside"))

    state_by_node = states(rehearsed.job)

    for folder in folders:
        folder.with_suffix(".aside").rename(folder)
    assert state_by_node["ImportSchemaGen"] == "finished"


def test_a_rehearsal_of_a_model_that_another_process_rehearses_is_refused(rehearsed):
    with (rehearsed.root / ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)

        with pytest.raises(RunError, match="is running this model; wait for it, or end it"):
            rehearse_file(rehearsed.spec)


def test_an_edit_to_the_code_is_another_image_and_what_an_editor_keeps_is_none(tmp_path):
    checkout = Checkout(tmp_path)
    first_image = image_of(tmp_path)

    checkout.append("models/cab/model.py", "# edited")
    (tmp_path / "pipeline/.dag.py.swp").write_bytes(b"\0")
    (tmp_path / "pipeline/job/dag.py~").write_text("an older one")
    (tmp_path / "pipeline/.#dag.py").symlink_to("nowhere")
    image_of_the_same_code = image_of(tmp_path)
    checkout.append("pipeline/reports/report.html.jinja", "edited")
    image_of_edited_code = image_of(tmp_path)

    assert image_of_the_same_code == first_image
    assert image_of_edited_code != first_image


def image_of(place):
    program = "from pipeline.local import code_digest; print(code_digest.reference())"
    variables = os.environ | {"PYTHONPATH": str(place)}
    process = subprocess.run(
        [sys.executable, "-c", program],
        cwd=place,
        env=variables,
        stdout=subprocess.PIPE,
        check=True,
    )
    return process.stdout


def task(job, name):
    dag = job["pipelineSpec"]["root"]["dag"]
    return dag["tasks"][name]


def states(job):
    """How each step of the job's next rehearsal ends, in the place of the rehearsal before."""
    root = Path(job["runtimeConfig"]["gcsOutputDirectory"])
    rehearsal = Rehearsal(job, root)
    state_by_node = {}
    rehearsal.run(state_by_node.__setitem__)
    return state_by_node


def test_a_failing_node_is_named_with_its_last_words(rehearsed, tmp_path):
    job = rehearsed.job
    job["runtimeConfig"]["gcsOutputDirectory"] = str(tmp_path)
    inputs = task(job, "CsvExampleGen")["inputs"]
    path = inputs["parameters"]["path"]
    path["runtimeValue"]["constant"] = "/no/rows.csv"
    file = tmp_path / "local.json"
    file.write_text(json.dumps(job))

    with pytest.raises(
        RunError, match=r"CsvExampleGen failed: .*/no/rows.csv: there is no such file"
    ):
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
