"""The stand-in refuses as docker would, and a registry accepts its push."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.standins.google.apis import GoogleApis

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
BUILD = (
    "build",
    "--file=build/Dockerfile",
    "--target=image",
    "--build-arg=COMMIT=abc",
    "--tag",
    "host/p/images/image:1",
    ".",
)


@pytest.fixture
def registry():
    with GoogleApis() as google:
        yield google.registry


@pytest.fixture
def docker(tmp_path, registry):
    folder = tmp_path / "checkout"
    for name, content in {
        "build/Dockerfile": DOCKERFILE,
        "Pipfile.lock": "{}",
        "pipeline/spec.py": "",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)

    def docker(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        environment = {
            "DOCKER_STANDIN_STORE": str(tmp_path / "store"),
            "REGISTRY_EMULATOR_HOST": registry.url,
            "DOCKER_BUILDKIT": "1",
            **variables,
        }
        return subprocess.run(
            ["python3", DOCKER, *arguments],
            cwd=folder,
            env=environment | {"PATH": "/usr/local/bin:/usr/bin:/bin"},
            capture_output=True,
            text=True,
        )

    return docker


def test_a_built_image_is_pushed_with_its_commit(docker, registry):
    assert docker(*BUILD).returncode == 0
    pushed = docker("push", "host/p/images/image:1")

    assert pushed.returncode == 0, pushed.stderr
    digest = registry.tags["p/images/image", "1"]
    assert digest in pushed.stdout
    manifest = json.loads(registry.manifests["p/images/image", digest].content)
    config, [layer] = manifest["config"], manifest["layers"]
    contents = [
        registry.blobs["p/images/image", descriptor["digest"]] for descriptor in (config, layer)
    ]
    assert json.loads(contents[0])["config"]["Labels"] == {
        "org.opencontainers.image.revision": "abc"
    }
    assert [descriptor["size"] for descriptor in (config, layer)] == [
        len(content) for content in contents
    ]


def test_the_same_files_make_the_same_image_and_others_another(docker, registry, tmp_path):
    def built(tag: str) -> str:
        docker(*BUILD[:-2], f"host/p/images/image:{tag}", ".")
        docker("push", f"host/p/images/image:{tag}")
        return registry.tags["p/images/image", tag]

    first, second = built("1"), built("2")
    (tmp_path / "checkout/pipeline/spec.py").write_text("changed")

    assert first == second != built("3")


def test_a_tag_that_is_taken_and_a_registry_that_is_gone_fail_a_push(docker, registry):
    docker(*BUILD)
    registry.put_image("p/images/image", revision="another", tag="1")

    repeated, unreachable = (
        docker("push", "host/p/images/image:1"),
        docker("push", "host/p/images/image:1", REGISTRY_EMULATOR_HOST="http://127.0.0.1:9"),
    )

    assert repeated.returncode == 1
    assert unreachable.returncode == 1
    assert "the registry answers 400" in repeated.stderr
    assert "does not answer" in unreachable.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("push", "host/p/images/image:2"), "was never built"),
        (("run", "image"), "invalid choice"),
        ((*BUILD, "--squash"), "unrecognized arguments"),
        (tuple(BUILD[i] for i in (0, 1, 3, 6)), "required: --target"),
        (
            tuple(a.replace("build/Dockerfile", "Dockerfile") for a in BUILD),
            "there is no Dockerfile",
        ),
        (
            tuple(a.replace("target=image", "target=imag") for a in BUILD),
            "no target imag, allowed are packages, image, test",
        ),
        (tuple(a.replace("COMMIT", "COMMITS") for a in BUILD), "declares no ARG COMMITS"),
        ((*BUILD[:-1], "nowhere"), "no folder nowhere"),
        (
            tuple(a.replace("target=image", "target=test") for a in BUILD),
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


@pytest.mark.parametrize("gone", ["Pipfile.lock", "pipeline/spec.py"])
def test_what_any_stage_of_the_target_copies_has_to_be_there(docker, tmp_path, gone):
    (tmp_path / "checkout" / gone).unlink()

    assert "which is not there" in docker(*BUILD).stderr


def test_mounts_need_buildkit(docker):
    assert "DOCKER_BUILDKIT=1 is not set" in docker(*BUILD, DOCKER_BUILDKIT="0").stderr
