"""The route decides on every file of an image.

The test walks build/Dockerfile's COPY lines and .dockerignore.
"""

import re

import pytest

from pipeline.delivery.route import Change, route_of
from settings import REPOSITORY

DOCKERFILE = (REPOSITORY / "build/Dockerfile").read_text().replace("\\\n", " ")
STAGES = dict(re.findall(r"^FROM \S+ AS (\S+)\n((?:(?!FROM ).*\n?)*)", DOCKERFILE, re.MULTILINE))
MODELS = frozenset({"cab"})
# In the pipeline image to be imported, but what reads its values runs from a checkout: it reaches
# the infrastructure.
SPARED = {"environments.py"}
TEST_ALONE = {"models", "pyproject.toml", "tests"}  # in no image that is delivered


def copied(stages):
    """The files copied from the repository by these stages."""
    lines = (
        line.split()
        for stage in stages
        for line in re.findall(r"^COPY (?!--from)(.*)$", STAGES[stage], re.MULTILINE)
    )
    paths = (
        path for *sources, _ in lines for source in sources for path in REPOSITORY.glob(source)
    )
    files = (file for path in paths for file in ([path] if path.is_file() else path.rglob("*")))
    return {
        str(file.relative_to(REPOSITORY))
        for file in files
        if file.is_file() and "__pycache__" not in file.parts
    }


DELIVERED = sorted(copied(STAGES.keys() - {"test"}) - SPARED)


def image(path):
    return route_of([Change(path, "modified")], MODELS).image


def test_the_walk_sees_each_kind_of_copy():
    assert {
        "Pipfile.lock",
        "build/trim",
        "build/entrypoint",
        "pipeline/job/dag.py",
        "pipeline/serving/engine.py",
    } <= set(DELIVERED)


@pytest.mark.parametrize("path", [*DELIVERED, "build/Dockerfile", ".dockerignore"])
def test_what_goes_into_a_delivered_image_builds_it_anew(path):
    assert image(path)


def test_what_stays_out_of_delivered_images_is_known_by_name():
    let_in = {
        line[1:]
        for line in (REPOSITORY / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    }

    undecided = {
        path
        for path in let_in
        if not image(path if (REPOSITORY / path).is_file() else f"{path}/file")
    }
    assert undecided == SPARED | TEST_ALONE
    assert not any(path.startswith(f"{folder}/") for folder in TEST_ALONE for path in DELIVERED)
    assert all(route_of([Change(path, "modified")], MODELS).infrastructure for path in SPARED)


def test_what_decides_which_packages_are_in_the_image_trains_every_model():
    requirements = copied(["requirements", "build"]) | {"build/Dockerfile"}

    assert all(
        route_of([Change(path, "modified")], MODELS).models == MODELS for path in requirements
    )
    assert {"Pipfile.lock", "build/environment", "build/requirements", "build/trim"} <= requirements
