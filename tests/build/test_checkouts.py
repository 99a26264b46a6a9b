"""One commit is the same in every checkout: on Windows' settings, from a ZIP, from before."""

import io
import os
import re
import shutil
import subprocess
import sys
import zipfile

import pytest

from pipeline.model.folder import ModelFolder
from settings import REPOSITORY
from tests.scratch_git import ISOLATED, run_git
from tests.team import MODELS

FILES = (".gitattributes", "Makefile", "build/environment", "build/own", "settings/interpreter.py")
COPIED = ("settings", "infra", "pipeline", "build")
MODULE_FILES = ("preprocessing.py", "model.py", "schema.pbtxt", "hyperparameters/best.json")


@pytest.fixture
def origin(tmp_path):
    """A repository with this one's attributes and a model."""
    place = tmp_path / "origin"
    for name in COPIED:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(REPOSITORY / name, place / name, ignore=ignored)
    for name in (".gitattributes", "Makefile"):
        shutil.copy(REPOSITORY / name, place)
    shutil.copytree(MODELS / "cab", place / "models/cab")
    shutil.copy(MODELS.parent / "environments.py", place)
    run_git(place, "init", "--quiet", "--initial-branch=main")
    commit(place)
    return place


def commit(place):
    run_git(place, "add", "--all")
    run_git(place, "commit", "--quiet", "--message=change")


def clone(origin, place, *options):
    subprocess.run(["git", "clone", "--quiet", *options, origin, place], check=True)
    return place


@pytest.fixture
def older(origin, tmp_path):
    """A clone with Windows' settings, from before there were attributes, that pulled since."""
    run_git(origin, "rm", "--quiet", ".gitattributes")
    commit(origin)
    place = clone(origin, tmp_path / "older", "--config=core.autocrlf=true")
    shutil.copy(REPOSITORY / ".gitattributes", origin)
    commit(origin)
    run_git(place, "pull", "--quiet")
    return place


def addresses(place):
    model = ModelFolder.load(str(place / "models/cab"))
    return {file: model.sha256(file) for file in MODULE_FILES}


@pytest.mark.parametrize("setting", ["autocrlf=true", "autocrlf=input", "eol=crlf"])
def test_a_clone_with_windows_settings_has_every_byte_of_the_commit(origin, tmp_path, setting):
    place = clone(origin, tmp_path / "clone", f"--config=core.{setting}")

    for name in FILES:
        assert (place / name).read_bytes() == (origin / name).read_bytes(), name
    assert addresses(place) == addresses(origin)


def test_one_commit_has_the_same_addresses_in_a_clone_from_before(older, origin):
    content = (older / "models/cab/model.py").read_bytes()

    assert b"\r\n" in content
    assert addresses(older) == addresses(origin)


def test_an_uploaded_module_is_what_its_address_says(older, origin):
    model = ModelFolder.load(str(older / "models/cab"))

    assert model.content("model.py") == (origin / "models/cab/model.py").read_bytes()


def test_the_sentence_s_commands_make_a_clone_from_before_right_and_lose_no_edit(older):
    edited = older / "models/cab/model.py"
    content = edited.read_bytes()
    edited.write_bytes(content + b"# edited\r\n")
    command = [sys.executable, "-m", "infra.stage_order"]
    process = subprocess.run(command, cwd=older, capture_output=True, text=True)
    commands = re.search("`(.*)`", process.stderr)

    subprocess.run(["sh", "-ec", commands[1]], cwd=older, env=os.environ | ISOLATED, check=True)

    repaired = subprocess.run(command, cwd=older, capture_output=True, text=True)
    assert repaired.returncode == 0
    assert b"\r" not in (older / "build/environment").read_bytes()
    assert edited.read_bytes() == content.replace(b"\r\n", b"\n") + b"# edited\n"
    assert run_git(older, "status", "--porcelain") == b"M  models/cab/model.py\n"


@pytest.fixture
def unpacked(origin, tmp_path):
    """A ZIP of the commit, unpacked without an execute bit."""
    archive = run_git(origin, "archive", "--format=zip", "HEAD")
    place = tmp_path / "unpacked"
    with zipfile.ZipFile(io.BytesIO(archive)) as file:
        file.extractall(place)
    for path in place.rglob("*"):
        if path.is_file():
            path.chmod(0o644)
    return place


def test_a_zip_has_the_addresses_of_its_commit(unpacked, origin):
    assert addresses(unpacked) == addresses(origin)


def test_a_zip_without_execute_bits_enters_its_venv(unpacked):
    shutil.copy(REPOSITORY / "Pipfile.lock", unpacked)
    variables = {name: os.environ[name] for name in os.environ if name != "ESTEIRA_ENVIRONMENT"}
    command = [sys.executable, "-m", "pipeline", "runs"]

    process = subprocess.run(command, cwd=unpacked, env=variables, capture_output=True, text=True)

    assert process.returncode == 0, process.stderr
    assert "no run yet" in process.stdout


def test_no_target_calls_a_script_by_its_execute_bit():
    """A command of a recipe begins with a program, never with a file of ours."""
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    recipes = re.findall(r"^\t@?(.*)$", makefile, re.MULTILINE)

    commands = [part.strip() for recipe in recipes for part in re.split("&&|;", recipe)]

    direct = [command for command in commands if re.match(r"(\$\(\w+\) )?\.?/?build/", command)]
    assert direct == []


def test_no_target_puts_a_folder_before_a_command_of_several_words():
    """PIPELINE begins with python3: a path before it names no program."""
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    variables = re.findall(r"^(\w+) := .* .*", makefile, re.MULTILINE)

    prefixed = re.findall(rf"/\$\((?:{'|'.join(variables)})\)", makefile)

    assert "PIPELINE" in variables
    assert prefixed == []


@pytest.mark.parametrize("file", ["cdktf.json", ".pre-commit-config.yaml", "build/Dockerfile"])
def test_no_other_file_does_either(file):
    text = (REPOSITORY / file).read_text(encoding="utf-8")

    assert not re.search(r"(?<!python3 )(?<!COPY )(?<!lock )\bbuild/environment (dev|infra)", text)
    assert "./requirements" not in text
    assert "./trim" not in text
