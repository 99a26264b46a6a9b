"""build/Dockerfile and its inputs, held to their promises without building anything."""

import ast
import importlib.metadata
import json
import re
import runpy
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from settings import REPOSITORY

TEXT = (REPOSITORY / "build/Dockerfile").read_text()
DOCKERFILE = TEXT.replace("\\\n", " ")
STAGE = re.compile(r"^FROM \S+ AS (?P<name>\S+)\n(?P<body>(?:(?!FROM ).*\n?)*)", re.MULTILINE)
STAGES = {match["name"]: match["body"] for match in STAGE.finditer(DOCKERFILE)}
BASE = re.compile(
    r"^ARG BASE=docker\.io/library/python:3\.13\.\d+-slim-trixie@sha256:[0-9a-f]{64}$",
    re.MULTILINE,
)
INSTALLATION = re.compile(r"apt-get|g\+\+|\bpip\b|\buv\b|--mount")
ENDS = ("serving", "pipeline", "worker", "test")
OUR_PACKAGES = ("pipeline", "settings", "names", "environments")


def sources(body: str) -> list[str]:
    """The sources of a stage's copies from the repository."""
    paths = []
    for line in re.findall(r"^COPY (?!--from)(.*)$", body, re.MULTILINE):
        *copied, _ = line.split()
        paths += copied
    return paths


def sources_of_all_stages() -> list[str]:
    paths = set()
    for body in STAGES.values():
        paths.update(sources(body))
    return sorted(paths)


def paths_let_in() -> Iterator[str]:
    """The paths excepted by .dockerignore."""
    text = (REPOSITORY / ".dockerignore").read_text()
    for line in text.splitlines():
        if line.startswith("!"):
            yield line.removeprefix("!")


def requirements(part: str) -> list[str]:
    command = [REPOSITORY / "build/requirements", part]
    process = subprocess.run(command, capture_output=True, text=True, check=True)
    return process.stdout.splitlines()


def name(line: str) -> str:
    return re.split(r"[\[=;\s]", line)[0]


def test_the_base_is_an_argument_that_a_digest_pins():
    bases = set(re.findall(r"^FROM (\S+) AS", DOCKERFILE, re.MULTILINE))

    outside_bases = bases - STAGES.keys()

    assert BASE.search(DOCKERFILE)
    assert outside_bases == {"${BASE}", "${BEAM_SDK}"}


@pytest.mark.parametrize("source", sources_of_all_stages())
def test_what_is_copied_exists_and_is_let_in(source):
    files = list(REPOSITORY.glob(source))
    prefixes = tuple(f"{path}/" for path in paths_let_in())

    assert files
    assert f"{source}/".startswith(prefixes)


@pytest.mark.parametrize("stage", ["user", *ENDS])
def test_an_end_stage_installs_nothing(stage):
    assert not INSTALLATION.search(STAGES[stage])


@pytest.mark.parametrize("stage", ["serving", "pipeline"])
def test_an_end_stage_ends_as_another_than_root_and_copies_code_after_packages(stage):
    body = STAGES[stage]
    users = re.findall(r"^USER (\S+)$", body, re.MULTILINE)
    packages = body.index("/opt/esteira /opt/esteira")
    code = body.index("COPY pipeline/")
    _, _, steps_of_the_user = body.partition("USER 1000")

    assert users == ["1000"]
    assert packages < code
    assert "RUN" not in steps_of_the_user


def test_every_package_of_the_pipeline_but_the_models_is_copied():
    modules = (REPOSITORY / "pipeline").glob("*/__init__.py")
    packages = {f"pipeline/{path.parent.name}" for path in modules}
    copied = sources(STAGES["pipeline"])

    assert packages <= set(copied)
    assert "models" not in copied


def test_the_serving_image_holds_whatever_the_server_imports():
    paths = set(_paths_copied_into("serving"))
    files = {path for path in paths if path.is_file()}
    for path in paths:
        files.update(path.rglob("*.py"))
    held = files | paths

    for file in files:
        text = file.read_text()
        for module in _imports(text):
            package = REPOSITORY / module.replace(".", "/")
            modules = {package, package.with_suffix(".py")}
            assert not held.isdisjoint(modules), f"{file} imports {module}"


def _paths_copied_into(stage: str) -> Iterator[Path]:
    for source in sources(STAGES[stage]):
        yield from REPOSITORY.glob(source)


def _imports(source: str) -> Iterator[str]:
    """Our own modules among a file's imports."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            package, _, _ = node.module.partition(".")
            if package in OUR_PACKAGES:
                yield from _modules_of(node.module, node.names)


def _modules_of(module: str, aliases: list[ast.alias]) -> Iterator[str]:
    for alias in aliases:
        dotted = f"{module}.{alias.name}"
        if _is_module(dotted):
            yield dotted
        else:
            yield module


def _is_module(dotted: str) -> bool:
    path = REPOSITORY / dotted.replace(".", "/")
    return path.is_dir() or path.with_suffix(".py").exists()


@pytest.mark.parametrize("part", ["pipeline", "serving"])
def test_the_images_hold_what_the_lock_names_but_the_tests_own(part):
    script = REPOSITORY / "build/environment"
    environment = runpy.run_path(str(script))
    lock = json.loads((REPOSITORY / "Pipfile.lock").read_text())
    locked = environment["requirements"](lock[part])

    lines = requirements(part)
    left_out = requirements("tests") if part == "pipeline" else []

    assert sorted([*lines, *left_out]) == sorted(locked)
    for line in lines:
        assert " --hash=sha256:" in line


def test_nothing_in_the_pipeline_image_needs_what_is_left_out_of_it():
    left_out = {name(line) for line in requirements("tests")}
    runtime = {name(line) for line in requirements("pipeline")}

    needed = set()
    for package in runtime:
        needed.update(_needs(package))

    assert "pytest" in left_out
    assert needed.isdisjoint(left_out)


def _needs(package: str) -> Iterator[str]:
    """The names of an installed package's requirements without any extra."""
    lines = importlib.metadata.requires(package) or []
    for line in lines:
        requirement = Requirement(line)
        marker = requirement.marker
        if marker is None or marker.evaluate({"extra": ""}):
            yield canonicalize_name(requirement.name)


def test_dataflow_s_worker_is_the_pipeline_image_as_root_with_beam_s_own_entrypoint():
    """Dataflow starts it as it is, and mounts folders of root's into it."""
    body = STAGES["worker"]
    users = re.findall(r"^USER (\S+)$", body, re.MULTILINE)
    entrypoints = re.findall(r"^ENTRYPOINT (.*)$", body, re.MULTILINE)

    assert "FROM pipeline AS worker" in DOCKERFILE
    assert "COPY --from=beam /opt/apache/beam /opt/apache/beam" in body
    assert users == ["root"]
    assert entrypoints == ['["/opt/apache/beam/boot"]']


def test_no_image_but_the_worker_holds_beam_s_worker_or_an_entrypoint_for_it():
    for name in STAGES.keys() - {"worker", "beam"}:
        assert "/opt/apache" not in STAGES[name]
