"""Dozens of models are dozens of folders: one edit is one model's.

All of them are routed, uploaded and compiled together.
"""

import json
import shutil
from datetime import date

import pytest

from environments import ENVIRONMENTS
from pipeline.cli.compile import compile_models
from pipeline.delivery.route import Change, route_of
from pipeline.gcp.modules import upload
from pipeline.model.folder import ModelFolder
from tests.pipeline.conftest import IMAGES
from tests.pipeline.delivery.conftest import DEV
from tests.team import MODELS

NAMES = [f"cab_{number:02}" for number in range(30)]
EDITED = NAMES[7]


def append(file, text):
    with file.open("a") as end:
        end.write(text)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Thirty models, alike but for one module."""
    place = tmp_path_factory.mktemp("thirty")
    ignored = shutil.ignore_patterns("__pycache__")
    for name in NAMES:
        folder = place / name
        shutil.copytree(MODELS / "cab", folder, ignore=ignored)
        append(folder / "model.py", f"\n# {name}\n")
    return place


def test_every_name_in_the_cloud_holds_for_thirty_models():
    for settings in ENVIRONMENTS.values():
        problems = list(settings.names.problems(NAMES))
        assert problems == []


def test_an_edit_of_one_is_one_and_an_edit_of_the_pipeline_is_all():
    edit_of_model = Change(f"models/{EDITED}/model.py", "modified")
    edit_of_pipeline = Change("pipeline/job/dag.py", "modified")

    single = route_of([edit_of_model], NAMES)
    every = route_of([edit_of_pipeline], NAMES)

    assert single.kind == "partial"
    assert sorted(single.models) == [EDITED]
    assert every.kind == "full"
    assert sorted(every.models) == NAMES


def copied_files(folders, stage):
    """Upload all models, and name the copied files of each."""
    files = {}
    for name in NAMES:
        folder = ModelFolder.load(str(folders / name))
        files[name] = upload(folder, stage).copied
    return files


def test_all_are_uploaded_once_and_an_edit_of_one_copies_one_file(blob, dev, folders):
    first_files = copied_files(folders, dev)
    append(folders / EDITED / "model.py", "# edited\n")
    second_files = copied_files(folders, dev)

    for files in first_files.values():
        assert "model.py" in files
    changed_files = {name: files for name, files in second_files.items() if files}
    assert changed_files == {EDITED: ["model.py"]}


def root(compiled_file):
    """The output directory of a compiled job."""
    job = json.loads(compiled_file.read_text())
    return job["runtimeConfig"]["gcsOutputDirectory"]


def test_one_and_all_are_compiled_each_for_its_own_names(folders, tmp_path):
    paths = [str(folders / name) for name in NAMES]
    first_path, *_ = paths
    arguments = {
        "environment": "dev",
        "image": IMAGES[1],
        "serving_image": IMAGES[3],
        "end": date(2026, 11, 24),
        "runs": tmp_path,
        "output": tmp_path,
    }
    local_arguments = arguments | {"environment": "local", "end": None, "output": tmp_path / "here"}

    [compiled_file] = compile_models([first_path], **arguments)
    files = compile_models(paths, **arguments)
    roots = [root(file) for file in files]
    local_files = compile_models([first_path], **local_arguments)

    assert compiled_file == files[0]
    assert local_files
    pipelines = [DEV.names.pipeline(name) for name in NAMES]
    bucket = DEV.names.bucket("artifacts")
    assert roots == [f"gs://{bucket}/pipelines/{pipeline}" for pipeline in pipelines]
