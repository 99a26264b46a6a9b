"""The route decides on every file of an image.

The test walks build/Dockerfile's COPY lines and .dockerignore.
"""

import re

import pytest

from pipeline.delivery.route import Change, route_of
from settings import REPOSITORY

DOCKERFILE = REPOSITORY / "build/Dockerfile"
DOCKERIGNORE = REPOSITORY / ".dockerignore"
STAGE = re.compile(r"^FROM \S+ AS (\S+)\n((?:(?!FROM ).*\n?)*)", re.MULTILINE)
COPY = re.compile(r"^COPY (?!--from)(.*)$", re.MULTILINE)
MODELS = frozenset({"cab"})
# In the pipeline image to be imported, but what reads its values runs from a checkout: it reaches
# the infrastructure.
SPARED = {"environments.py"}
TEST_ALONE = {"models", "pyproject.toml", "tests"}  # in no image that is delivered


def build_stages():
    """The lines of each stage in the Dockerfile, by its name."""
    text = DOCKERFILE.read_text()
    unbroken_text = text.replace("\\\n", " ")
    return dict(STAGE.findall(unbroken_text))


STAGES = build_stages()


def copied(stages):
    """The files copied from the repository by these stages."""
    paths = set()
    for stage in stages:
        for arguments in COPY.findall(STAGES[stage]):
            *sources, _ = arguments.split()
            for source in sources:
                paths |= source_files(source)
    return paths


def source_files(pattern):
    """The files named by a source of COPY, or below a folder named by it."""
    paths = []
    for place in REPOSITORY.glob(pattern):
        paths += [place, *place.rglob("*")]
    files = [path for path in paths if path.is_file() and "__pycache__" not in path.parts]
    return {str(file.relative_to(REPOSITORY)) for file in files}


DELIVERED_STAGES = STAGES.keys() - {"test"}
DELIVERED = sorted(copied(DELIVERED_STAGES) - SPARED)


def route_of_edit(path):
    change = Change(path, "modified")
    return route_of([change], MODELS)


def test_the_walk_sees_each_kind_of_copy():
    examples = {
        "Pipfile.lock",
        "build/trim",
        "pipeline/job/dag.py",
        "pipeline/serving/engine.py",
    }

    assert examples <= set(DELIVERED)


@pytest.mark.parametrize("path", [*DELIVERED, "build/Dockerfile", ".dockerignore"])
def test_what_goes_into_a_delivered_image_builds_it_anew(path):
    route = route_of_edit(path)

    assert route.image


def test_what_stays_out_of_delivered_images_is_known_by_name():
    lines = DOCKERIGNORE.read_text().splitlines()
    let_in = [line.removeprefix("!") for line in lines if line.startswith("!")]

    undecided = {path for path in let_in if not builds_image(path)}

    assert undecided == SPARED | TEST_ALONE
    for folder in TEST_ALONE:
        delivered_paths = [path for path in DELIVERED if path.startswith(f"{folder}/")]
        assert delivered_paths == []
    for path in SPARED:
        route = route_of_edit(path)
        assert route.infrastructure


def builds_image(path):
    """Whether an edit of this file, or inside this folder, builds the image."""
    place = REPOSITORY / path
    edited_path = path if place.is_file() else f"{path}/file"
    route = route_of_edit(edited_path)
    return route.image


def test_what_decides_which_packages_are_in_the_image_trains_every_model():
    requirements = copied(["requirements", "build"]) | {"build/Dockerfile"}

    for path in requirements:
        route = route_of_edit(path)
        assert route.models == MODELS
    assert {"Pipfile.lock", "build/environment", "build/requirements", "build/trim"} <= requirements
