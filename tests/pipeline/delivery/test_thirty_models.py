"""Dozens of models are dozens of folders: one edit is one model's.

All of them are routed, published and compiled together.
"""

import json
import shutil

import pytest

from environments import ENVIRONMENTS
from pipeline.cli.compile import compile_models
from pipeline.delivery.route import Change, route_of
from pipeline.gcp.modules import upload
from pipeline.gcp.stage import Stage
from pipeline.model.folder import ModelFolder
from tests.pipeline.conftest import IMAGES
from tests.pipeline.delivery.conftest import DEV
from tests.team import MODELS

NAMES = [f"cab_{number:02}" for number in range(30)]


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Thirty models, alike but for one module."""
    place = tmp_path_factory.mktemp("thirty")
    for name in NAMES:
        shutil.copytree(MODELS / "cab", place / name, ignore=shutil.ignore_patterns("__pycache__"))
        model = place / name / "model.py"
        model.write_text(f"{model.read_text()}\n# {name}\n")
    return place


def test_every_name_in_the_cloud_holds_for_thirty_models():
    assert [
        problem for settings in ENVIRONMENTS.values() for problem in settings.names.problems(NAMES)
    ] == []


def test_an_edit_of_one_is_one_and_an_edit_of_the_pipeline_is_all():
    single = route_of([Change(f"models/{NAMES[7]}/model.py", "modified")], NAMES)
    every = route_of([Change("pipeline/job/dag.py", "modified")], NAMES)

    assert single.kind == "partial"
    assert sorted(single.models) == [NAMES[7]]
    assert every.kind == "full"
    assert sorted(every.models) == NAMES


def test_all_are_published_once_and_an_edit_of_one_copies_one_file(blob, folders):
    def copied():
        return {
            name: upload(ModelFolder.load(str(folders / name)), Stage(DEV)).copied for name in NAMES
        }

    assert all("model.py" in files for files in copied().values())
    edited = folders / NAMES[7] / "model.py"
    edited.write_text(f"{edited.read_text()}# edited\n")

    assert {name: files for name, files in copied().items() if files} == {NAMES[7]: ["model.py"]}


def test_one_and_all_are_compiled_each_for_its_own_names(folders, tmp_path):
    arguments = {
        "environment": "dev",
        "image": IMAGES[1],
        "serving_image": IMAGES[3],
        "end": "2026-11-24",
        "runs": tmp_path,
        "output": tmp_path,
    }

    [compiled_file] = compile_models([str(folders / NAMES[0])], **arguments)
    files = compile_models([str(folders / name) for name in NAMES], **arguments)

    assert compiled_file == files[0]
    roots = [json.loads(file.read_text())["runtimeConfig"]["gcsOutputDirectory"] for file in files]
    assert compile_models(
        [str(folders / NAMES[0])],
        **arguments | {"environment": "local", "output": tmp_path / "here"},
    )
    assert roots == [
        f"gs://{DEV.names.bucket('artifacts')}/pipelines/{DEV.names.pipeline(name)}"
        for name in NAMES
    ]
