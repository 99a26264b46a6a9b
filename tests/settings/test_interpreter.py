"""What is too old, or lacks a module, is told in one sentence with exit 2."""

import ast
import os
import shutil
import subprocess
import sys

import pytest

from settings import REPOSITORY, interpreter
from tests.team import TEAM

# What is parsed, up to the import of settings.interpreter, by whatever Python a machine has.
PARSED = (
    "build/environment",
    "build/image",
    "build/values",
    "infra/__init__.py",
    "pipeline/__init__.py",
    "pipeline/__main__.py",
    "settings/__init__.py",
    "settings/interpreter.py",
)
OLD = """
import runpy, sys
sys.version_info = (3, 9, 2, "final", 0)
del __import__("datetime").UTC
sys.argv = sys.argv[1:]
{run}
"""
MODULES = ("pipeline", "infra", "infra.identity", "infra.stage_order", "infra.deploy.operations")


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """The code in a folder of its own, with the tests' stages."""
    place = tmp_path_factory.mktemp("copy")
    ignored = shutil.ignore_patterns("__pycache__")
    for name in ("build", "infra", "pipeline", "settings"):
        shutil.copytree(REPOSITORY / name, place / name, ignore=ignored)
    shutil.copy(TEAM / "environments.py", place)
    shutil.copy(REPOSITORY / "Pipfile.lock", place)
    return place


def run(copy, *arguments, **variables):
    command = [sys.executable, "-S", *arguments]
    bare = {"PATH": os.environ["PATH"], "HOME": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        command, cwd=copy, env=bare | variables, capture_output=True, text=True, timeout=60
    )


def only_line(process):
    [line] = process.stderr.strip().splitlines()
    assert process.returncode == 2
    assert process.stdout == ""
    return line


@pytest.mark.parametrize("file", PARSED)
def test_an_old_python_can_parse_what_refuses_it(file):
    text = (REPOSITORY / file).read_text(encoding="utf-8")

    ast.parse(text, file, feature_version=(3, 8))


@pytest.mark.parametrize("module", MODULES)
def test_an_old_python_is_told_so_by_every_command(copy, module):
    program = OLD.format(run="runpy.run_module(sys.argv[0], run_name='__main__')")

    process = run(copy, "-c", program, module)

    assert "is Python 3.9.2, allowed is 3.11 or newer" in only_line(process)


@pytest.mark.parametrize("script", ["environment", "image", "values"])
def test_an_old_python_is_told_so_by_every_script(copy, script):
    program = OLD.format(run="runpy.run_path(sys.argv[0], run_name='__main__')")

    process = run(copy, "-c", program, str(copy / "build" / script))

    assert "is Python 3.9.2, allowed is 3.11 or newer" in only_line(process)


@pytest.mark.parametrize("module", ["infra", "infra.doctor.diagnosis"])
def test_a_module_that_is_missing_is_told_with_the_venv_that_has_it(copy, module):
    process = run(copy, "-m", module)

    line = only_line(process)
    assert line.startswith("there is no module '")
    assert "`python3 build/environment infra python ...` runs it" in line


def test_a_verb_in_a_python_without_its_libraries_is_told_so(copy):
    process = run(copy, "-m", "pipeline", "run", "cab", ESTEIRA_ENVIRONMENT="pipeline")

    line = only_line(process)
    assert line.startswith("python -m pipeline run: there is no module '")


def test_other_errors_keep_their_traceback(copy):
    process = run(copy, "-c", "import infra; 1 / 0")

    assert "ZeroDivisionError" in process.stderr
    assert process.returncode == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("-m", "pipeline", "route"),
        ("-m", "infra.stage_order"),
        ("build/environment", "dev", "true"),
    ],
    ids=lambda arguments: arguments[-1],
)
def test_a_clone_with_other_line_ends_is_told_what_makes_them_right(copy, arguments, tmp_path):
    clone = tmp_path / "clone"
    shutil.copytree(copy, clone)
    for name in ("build/environment", "settings/interpreter.py"):
        content = (clone / name).read_bytes()
        (clone / name).write_bytes(content.replace(b"\n", b"\r\n"))

    process = run(clone, *arguments)

    assert "CRLF line ends" in only_line(process)
    assert "`git add --renormalize ." in process.stderr


def test_both_checks_say_the_same(copy):
    script = (REPOSITORY / "build/environment").read_text(encoding="utf-8")

    assert f"OLDEST_PYTHON = {interpreter.OLDEST}" in script
    for line in interpreter.NEWLINES.split("`"):
        for words in line.split(" && "):
            assert words in script.replace('"\n        "', "")
