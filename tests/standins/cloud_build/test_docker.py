"""The stand-in refuses as docker would, and a registry accepts its push."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.standins.google.apis import GoogleApis
from tests.standins.google.faults import Fault

DOCKER = Path(__file__).with_name("docker.py")
DOCKERFILE = """ARG BASE=debian
FROM ${BASE} AS packages
COPY Pipfile.lock ./
RUN --mount=type=secret,id=pip true
FROM ${BASE} AS image
ARG COMMIT=unknown
COPY --from=packages /opt /opt
COPY pipeline/*.py \\
  /esteira/
FROM image AS test
COPY tests /tests
"""
CHECKOUT = {"build/Dockerfile": DOCKERFILE, "Pipfile.lock": "{}", "pipeline/spec.py": ""}
IMAGE = "p/images/image"
TAGGED = f"host/{IMAGE}:1"
BUILD = (
    "build",
    "--file=build/Dockerfile",
    "--target=image",
    "--build-arg=COMMIT=abc",
    "--tag",
    TAGGED,
    ".",
)


def changed_build(old: str, new: str) -> tuple[str, ...]:
    """The command BUILD with a word in place of another."""
    return tuple(part.replace(old, new) for part in BUILD)


@pytest.fixture
def google():
    with GoogleApis() as google:
        yield google


@pytest.fixture
def registry(google):
    return google.registry


@pytest.fixture
def docker(tmp_path, registry):
    folder = tmp_path / "checkout"
    for name, content in CHECKOUT.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)

    def docker(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        environment = {
            "DOCKER_STANDIN_STORE": str(tmp_path / "store"),
            "REGISTRY_EMULATOR_HOST": registry.url,
            "DOCKER_BUILDKIT": "1",
            **variables,
            "PATH": "/usr/local/bin:/usr/bin:/bin",
        }
        return subprocess.run(
            ["python3", DOCKER, *arguments],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
        )

    return docker


def test_a_built_image_is_pushed_with_its_commit(docker, registry):
    build = docker(*BUILD)
    push = docker("push", TAGGED)

    assert build.returncode == 0
    assert push.returncode == 0, push.stderr
    digest = registry.tags[IMAGE, "1"]
    assert digest in push.stdout
    manifest = json.loads(registry.manifests[IMAGE, digest].content)
    config = manifest["config"]
    [layer] = manifest["layers"]
    config_content = registry.blobs[IMAGE, config["digest"]]
    layer_content = registry.blobs[IMAGE, layer["digest"]]
    image = json.loads(config_content)["config"]
    assert image["Labels"] == {"org.opencontainers.image.revision": "abc"}
    assert config["size"] == len(config_content)
    assert layer["size"] == len(layer_content)


def test_the_same_files_make_the_same_image_and_others_another(docker, registry, tmp_path):
    def pushed(tag: str) -> str:
        """The digest of an image of the checkout, built and pushed by this tag."""
        name = f"host/{IMAGE}:{tag}"
        docker(*changed_build(TAGGED, name))
        docker("push", name)
        return registry.tags[IMAGE, tag]

    module = tmp_path / "checkout/pipeline/spec.py"

    first = pushed("1")
    second = pushed("2")
    module.write_text("changed")
    third = pushed("3")

    assert first == second
    assert second != third


def test_a_push_that_is_refused_and_a_registry_that_is_gone_fail(docker, google):
    docker(*BUILD)
    google.faults.append(Fault("PUT", f"/v2/{IMAGE}/manifests/1", 403))

    refused = docker("push", TAGGED)
    unreachable = docker("push", TAGGED, REGISTRY_EMULATOR_HOST="http://127.0.0.1:9")

    assert refused.returncode == 1
    assert unreachable.returncode == 1
    assert "the registry answers 403" in refused.stderr
    assert "does not answer" in unreachable.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("push", "host/p/images/image:2"), "was never built"),
        (("run", "image"), "invalid choice"),
        ((*BUILD, "--squash"), "unrecognized arguments"),
        (
            ("build", "--file=build/Dockerfile", "--build-arg=COMMIT=abc", "."),
            "required: --target",
        ),
        (changed_build("build/Dockerfile", "Dockerfile"), "there is no Dockerfile"),
        (
            changed_build("target=image", "target=imag"),
            "no target imag, allowed are packages, image, test",
        ),
        (changed_build("COMMIT", "COMMITS"), "declares no ARG COMMITS"),
        ((*BUILD[:-1], "nowhere"), "no folder nowhere"),
        (
            changed_build("target=image", "target=test"),
            "test copies tests, which is not there",
        ),
    ],
)
def test_docker_is_told_of_nothing_that_is_not_there(docker, arguments, says):
    if "push" in arguments:
        docker(*BUILD)

    process = docker(*arguments)

    assert process.returncode != 0
    assert says in process.stderr


@pytest.mark.parametrize("missing_file", ["Pipfile.lock", "pipeline/spec.py"])
def test_what_any_stage_of_the_target_copies_has_to_be_there(docker, tmp_path, missing_file):
    (tmp_path / "checkout" / missing_file).unlink()

    process = docker(*BUILD)

    assert "which is not there" in process.stderr


def test_mounts_need_buildkit(docker):
    process = docker(*BUILD, DOCKER_BUILDKIT="0")

    assert "DOCKER_BUILDKIT=1 is not set" in process.stderr
