"""build/Dockerfile and its inputs, held to their promises without building anything."""

import ast
import importlib.metadata
import re
import runpy
import subprocess

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from settings import REPOSITORY

DOCKERFILE = (REPOSITORY / "build/Dockerfile").read_text().replace("\\\n", " ")
STAGES = {
    m["name"]: m["body"]
    for m in re.finditer(
        r"^FROM \S+ AS (?P<name>\S+)\n(?P<body>(?:(?!FROM ).*\n?)*)", DOCKERFILE, re.MULTILINE
    )
}
ENDS = ("serving", "pipeline", "test")


def sources(body: str) -> list[str]:
    """The sources of a stage's copies from the repository."""
    return [
        source
        for line in re.findall(r"^COPY (?!--from)(.*)$", body, re.MULTILINE)
        for source in line.split()[:-1]
    ]


def requirements(part: str) -> list[str]:
    return subprocess.run(
        [REPOSITORY / "build/requirements", part], capture_output=True, text=True, check=True
    ).stdout.splitlines()


def name(line: str) -> str:
    return re.split(r"[\[=;\s]", line)[0]


def test_the_base_is_an_argument_that_a_digest_pins():
    bases = set(re.findall(r"^FROM (\S+) AS", DOCKERFILE, re.MULTILINE))

    assert re.search(
        r"^ARG BASE=docker\.io/library/python:3\.13\.\d+-slim-trixie@sha256:[0-9a-f]{64}$",
        DOCKERFILE,
        re.MULTILINE,
    )
    assert bases - STAGES.keys() == {"${BASE}", "${BEAM_SDK}"}


@pytest.mark.parametrize("source", sorted({s for body in STAGES.values() for s in sources(body)}))
def test_what_is_copied_exists_and_is_let_in(source):
    let_in = [
        line[1:]
        for line in (REPOSITORY / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    ]

    assert list(REPOSITORY.glob(source))
    assert any(source == path or source.startswith(f"{path}/") for path in let_in)


@pytest.mark.parametrize("stage", ["user", *ENDS])
def test_an_end_stage_installs_nothing(stage):
    assert not re.search(r"apt-get|g\+\+|\bpip\b|\buv\b|--mount", STAGES[stage])


@pytest.mark.parametrize("stage", ["serving", "pipeline"])
def test_an_end_stage_ends_as_another_than_root_and_copies_code_after_packages(stage):
    body = STAGES[stage]

    assert re.findall(r"^USER (\S+)$", body, re.MULTILINE) == ["1000"]
    assert body.index("/opt/esteira /opt/esteira") < body.index("COPY pipeline/")
    assert "RUN" not in body[body.index("USER 1000") :]


def test_every_package_of_the_pipeline_but_the_models_is_copied():
    packages = {
        f"pipeline/{path.parent.name}" for path in (REPOSITORY / "pipeline").glob("*/__init__.py")
    }

    assert packages <= set(sources(STAGES["pipeline"]))
    assert "models" not in sources(STAGES["pipeline"])


def test_the_serving_image_holds_whatever_the_server_imports():
    copied = [path for source in sources(STAGES["serving"]) for path in REPOSITORY.glob(source)]
    modules = {module for path in copied for module in path.glob("*.py")}
    held = modules | {path for path in copied if path.is_file()}

    for file in held:
        for imported in _imports(file.read_text()):
            path = REPOSITORY / imported.replace(".", "/")
            assert path.with_suffix(".py") in held or path in copied, f"{file} imports {imported}"


def _imports(source: str) -> set[str]:
    nodes = [
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ImportFrom) and node.module
    ]
    absolute = {
        f"{n.module}.{a.name}" if _is_module(f"{n.module}.{a.name}") else str(n.module)
        for n in nodes
        for a in n.names
    }
    return {
        module
        for module in absolute
        if module.split(".")[0] in ("pipeline", "settings", "names", "environments")
    }


def _is_module(dotted: str) -> bool:
    path = REPOSITORY / dotted.replace(".", "/")
    return path.is_dir() or path.with_suffix(".py").exists()


@pytest.mark.parametrize("part", ["pipeline", "serving"])
def test_the_images_hold_what_the_lock_names_but_the_tests_own(part):
    environment = runpy.run_path(str(REPOSITORY / "build/environment"))
    lock = environment["json"].loads((REPOSITORY / "Pipfile.lock").read_text())

    left_out = requirements("tests") if part == "pipeline" else []

    assert sorted(requirements(part) + left_out) == sorted(environment["requirements"](lock[part]))
    assert all(" --hash=sha256:" in line for line in requirements(part))


def test_nothing_in_the_pipeline_image_needs_what_is_left_out_of_it():
    left_out, runtime = (
        {name(line) for line in requirements(part)} for part in ("tests", "pipeline")
    )

    needed = {
        canonicalize_name(needs.name)
        for package in runtime
        for needs in map(Requirement, importlib.metadata.requires(package) or [])
        if needs.marker is None or needs.marker.evaluate({"extra": ""})
    }

    assert "pytest" in left_out and not needed & left_out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [(["echo", "hello"], (0, "hello\n", "")), (["--id=1"], (2, "", "built without BEAM_SDK"))],
)
def test_the_entrypoint_runs_a_command_and_leaves_flags_to_beam(arguments, says):
    process = subprocess.run(
        [REPOSITORY / "build/entrypoint", *arguments], capture_output=True, text=True
    )

    code, out, err = says
    assert process.returncode == code
    assert process.stdout == out
    assert err in process.stderr
