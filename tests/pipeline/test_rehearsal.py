"""The rehearsal runs a local spec through the containers' entrypoint, and asks its store as Vertex's resolvers ask theirs."""

import json
from pathlib import Path

import pytest

from pipeline.errors import RunError
from pipeline.rehearsal import Rehearsal, rehearse_file
from tests.pipeline.conftest import parsed
from tests.pipeline.test_compile import IMAGES


@pytest.fixture(scope="module")
def rehearsed(tmp_path_factory):
    """A small model's local spec, rehearsed twice: the second one finds the first one's model to compare with."""
    from pipeline.compilation import compile_models
    from tests.pipeline.conftest import copy_small

    place = tmp_path_factory.mktemp("rehearsed")
    folder = copy_small("taxi", place)
    arguments = {"environment": "local", "image": None, "serving_image": None, "end": "", "runs": place / "runs", "output": place}
    [spec] = compile_models([str(folder)], **arguments)
    return place, spec, rehearse_file(spec)


def test_a_local_spec_is_rehearsed_to_a_blessed_and_published_model(rehearsed):
    place, _, result = rehearsed

    assert result["blessed"]
    assert Path(result["published"]).parent == place / "runs/rehearsal/taxi/published"
    assert (Path(result["published"]) / "saved_model.pb").exists()


def test_no_container_packs_the_source_of_tfx_for_beam(rehearsed):
    place, _, _ = rehearsed

    logs = {file.parent.name: file.read_text() for file in place.glob("runs/rehearsal/taxi/rehearsals/*/*/log.txt")}
    assert len(logs) == 9 and all("Starting executor" in log for log in logs.values())
    assert not [node for node, log in logs.items() if "infer TFX Python dependency" in log]


def test_the_resolvers_find_the_newest_blessed_model_of_this_pipeline(rehearsed):
    place, spec, _ = rehearsed
    job = json.loads(spec.read_text())

    again = Rehearsal(job, place / "runs/rehearsal/taxi")
    queries = {k: v["resolver"]["outputArtifactQueries"] for k, v in again.executors.items() if "resolver" in v}
    blessing = again._query(queries["LastBlessed-model-blessing-resolver_executor"]["model_blessing"]["filter"], {})
    model = again._query(queries["LastBlessed-model-resolver_executor"]["model"]["filter"], {"input": blessing})
    other = again._query('schema_title="tfx.ModelBlessing" AND state=LIVE AND metadata.pipeline.string_value="flights"', {})

    assert blessing[0]["metadata"]["pipeline"] == "taxi"
    assert "/Trainer/model" in model[0]["uri"]
    assert other == []


def test_a_failing_node_is_named_with_its_last_words(rehearsed, tmp_path):
    _, spec, _ = rehearsed
    job = json.loads(spec.read_text())
    job["runtimeConfig"]["gcsOutputDirectory"] = str(tmp_path)
    job["pipelineSpec"]["root"]["dag"]["tasks"]["CsvExampleGen"]["inputs"]["parameters"]["path"]["runtimeValue"]["constant"] = (
        "/no/rows.csv"
    )
    (tmp_path / "local.json").write_text(json.dumps(job))

    with pytest.raises(RunError, match=r"CsvExampleGen failed: .*/no/rows.csv: there is no such file"):
        rehearse_file(tmp_path / "local.json")


def test_a_cloud_spec_is_refused(cli, tmp_path):
    [file] = parsed(cli("compile", "taxi", "--env", "dev", *IMAGES, "--output", tmp_path, "--json"))

    said = cli("rehearse", file)

    assert (said.code, "only a spec of `compile --env local` can be rehearsed" in said.sentence) == (2, True)


@pytest.mark.parametrize(
    ("content", "says"), [(None, "there is no such file"), ("{", "not a compiled pipeline job"), ("{}", "not a compiled pipeline job")]
)
def test_what_is_no_spec_is_refused(cli, tmp_path, content, says):
    file = tmp_path / "spec.json"
    if content is not None:
        file.write_text(content)

    said = cli("rehearse", file)

    assert (said.code, says in said.sentence) == (2, True)
