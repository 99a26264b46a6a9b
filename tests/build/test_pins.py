"""build/pins writes the registries' digests, and names the images without one."""

import re
import subprocess
import sys

import pytest

from settings import REPOSITORY
from tests.scripts import loaded
from tests.standins.google.apis import GoogleApis

RECIPE = """steps:
  - name: gcr.io/cloud-builders/docker
    args: [--build-arg=BEAM_SDK=docker.io/apache/beam_sdk:2.1, $LOCATION-docker.pkg.dev/p/r/i:1]
  - name: gcr.io/cloud-builders/docker
"""


@pytest.fixture
def pins(tmp_path, monkeypatch):
    """The script over a repository with one recipe."""
    script = loaded("pins")
    monkeypatch.setattr(script, "REPOSITORY", tmp_path)
    (tmp_path / "build").mkdir()
    (tmp_path / "build/image.yaml").write_text(RECIPE)
    return script


def test_each_image_gets_the_digest_of_its_tag_wherever_it_is_named(
    pins, tmp_path, monkeypatch, capsys
):
    with GoogleApis() as google:
        monkeypatch.setenv("REGISTRY_EMULATOR_HOST", google.registry.url)
        registry = google.registry
        docker = registry.put_image("cloud-builders/docker", revision="d", tag="latest")
        beam = registry.put_image("apache/beam_sdk", revision="b", tag="2.1")
        code = pins.main([])
    again = pins.main([])

    text = (tmp_path / "build/image.yaml").read_text()
    assert (code, again) == (0, 0)
    assert text.count(f"gcr.io/cloud-builders/docker@{docker}\n") == 2
    assert f"BEAM_SDK=docker.io/apache/beam_sdk:2.1@{beam}," in text
    assert text.count("@sha256:") == 3
    assert pins.main(["--check"]) == 0


def test_what_has_no_digest_is_named(pins, capsys):
    code = pins.main(["--check"])

    output = capsys.readouterr()
    assert code == 3
    assert output.out.splitlines() == [
        f"build/image.yaml: {name} is named by a tag that moves: `make pins` writes its digest"
        for name in ("docker.io/apache/beam_sdk:2.1", "gcr.io/cloud-builders/docker")
    ]


def test_a_registry_that_does_not_answer_changes_nothing(pins, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("REGISTRY_EMULATOR_HOST", "http://127.0.0.1:9")

    code = pins.main([])

    output = capsys.readouterr()
    assert code == 1
    assert "a registry gives no digest" in output.err
    assert (tmp_path / "build/image.yaml").read_text() == RECIPE


def test_wrong_usage_is_one_sentence():
    command = [sys.executable, REPOSITORY / "build/pins", "--nope"]

    process = subprocess.run(command, capture_output=True, text=True)

    assert process.returncode == 2
    assert process.stderr == "usage: build/pins [--check]\n"


def test_what_has_no_digest_yet_is_the_builder_and_beam_s_image_alone():
    names = {line.partition(": ")[2] for line in loaded("pins").unpinned()}

    allowed = r"gcr\.io/cloud-builders/docker|docker\.io/apache/beam_python3\.13_sdk:[\d.]+"
    assert all(re.fullmatch(allowed, name) for name in names)
